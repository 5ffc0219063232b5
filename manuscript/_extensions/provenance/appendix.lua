-- The appendix of numbers (rendering/appendix.py): in the PDF every number links to its line there;
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

-- Key -> page of the appendix, x and y of its line there.
local targets = nil

local function target(key)
  if targets == nil then
    targets = {}
    local file = io.open(pandoc.path.join({ folder(), "appendix.txt" }), "r")
    if file ~= nil then
      for line in file:lines() do
        local name, page, x, y = line:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)$")
        targets[name] = { page = page, x = x, y = y }
      end
      file:close()
    end
  end
  return targets[key]
end

-- A position on a page, from the page on which the appendix begins. The empty content keeps a text
-- that begins with "= " from being a heading, which pandoc escapes at the beginning of lines alone.
local LINK = "#context {let at=query(<appendix-of-numbers>);"
  .. "let to(it)=if at.len()==0{it}else{link((page:at.first().location().page()+%s,x:%spt,y:%spt),it)};to[#[]"

local function linked(span)
  local key = span.attributes["data-key"]
  local place = key ~= nil and target(key)
  if not place then
    return nil
  end
  return {
    pandoc.RawInline("typst", LINK:format(place.page, place.x, place.y)),
    span,
    pandoc.RawInline("typst", "]}"),
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
