-- The appendix of numbers (rendering/appendix.py): in the PDF every number links to its row there;
-- Word's document gets the appendix as it was written, since its writer has no include-after-body.
--
-- Both renderers run this last. It changes no text: the HTML and the document that the coverage
-- gate judges are left alone.

local function is_quarto()
  return quarto ~= nil
end

local function folder()
  if is_quarto() then
    return pandoc.path.directory(quarto.utils.resolve_path("appendix.lua"))
  end
  return pandoc.path.directory(PANDOC_SCRIPT_FILE)
end

-- Key -> label of its row; words have none.
local targets = nil

local function target(key)
  if targets == nil then
    targets = {}
    local file = io.open(pandoc.path.join({ folder(), "appendix.txt" }), "r")
    if file ~= nil then
      for line in file:lines() do
        local name, label = line:match("^(%S+)\t(%S+)$")
        targets[name] = label
      end
      file:close()
    end
  end
  return targets[key]
end

-- The empty content keeps a text that begins with "= " from being a heading, which pandoc escapes
-- at the beginning of lines alone.
local LINK = "#link(<%s>)[#[]"

local function linked(span)
  local key = span.attributes["data-key"]
  local label = key ~= nil and target(key)
  if not label then
    return nil
  end
  return {
    pandoc.RawInline("typst", LINK:format(label)),
    span,
    pandoc.RawInline("typst", "]"),
  }
end

-- Not in headings, whose text the PDF's outline repeats.
local LINKS = {
  traverse = "topdown",
  Header = function(header)
    return header, false
  end,
  Span = function(span)
    local made = linked(span)
    if made ~= nil then
      return made, false
    end
  end,
}

local function appended(doc)
  local file = io.open(pandoc.path.join({ folder(), "appendix.xml" }), "r")
  if file ~= nil then
    doc.blocks:insert(pandoc.RawBlock("openxml", file:read("a")))
    file:close()
  end
  return doc
end

if FORMAT == "typst" then
  -- The title is set twice by the templates, and no link may stand in the file's own title.
  return { { Pandoc = function(doc)
    doc.blocks = doc.blocks:walk(LINKS)
    if doc.meta.abstract ~= nil then
      doc.meta.abstract = pandoc.Blocks(doc.meta.abstract):walk(LINKS)
    end
    return doc
  end } }
elseif FORMAT == "docx" then
  return { { Pandoc = appended } }
end
return {}
