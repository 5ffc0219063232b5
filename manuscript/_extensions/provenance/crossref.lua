-- Embedded renderer only: floats, numbers and cross-references as Quarto prints them
-- ("Section 2.1", "Figure 1", "Table 2", captions "Figure 1: ...").

local NBSP = "\u{a0}"
local KINDS = { fig = "Figure", tbl = "Table", sec = "Section" }
local LONGEST_CELL = 30 -- characters, beyond which a cell had better wrap
local SHORT_TABLE = 20 -- rows
local stringify = pandoc.utils.stringify
local labels = {} -- identifier -> { kind, number }

local function kind_of(identifier)
  return KINDS[identifier:match("^(%a+)%-") or ""] and identifier:match("^(%a+)%-")
end

-- ::: {#tbl-x} or {#fig-x}: content, then the caption as the last paragraph.
local function float(div)
  local kind = kind_of(div.identifier)
  if kind ~= "tbl" and kind ~= "fig" then
    return nil
  end
  local blocks = div.content
  local last = blocks[#blocks]
  assert(#blocks > 1 and last.t == "Para", "the last paragraph of " .. div.identifier .. " is its caption")
  blocks:remove(#blocks)
  local caption = { long = { pandoc.Plain(last.content) } }
  if kind == "fig" then
    return pandoc.Figure(blocks, caption, pandoc.Attr(div.identifier))
  end
  assert(blocks[1].t == "Table", div.identifier .. " does not begin with a table")
  local tbl = blocks:remove(1)
  tbl.caption = caption
  tbl.identifier = div.identifier
  if #blocks == 0 then
    return tbl
  end
  if FORMAT == "typst" then
    -- Typst's writer drops classes.
    blocks:insert(1, pandoc.RawBlock("typst", "#set text(size: 8.5pt)"))
  end
  -- Word takes the style by its name.
  local style = FORMAT == "docx" and { { "custom-style", "Table Note" } } or {}
  return { tbl, pandoc.Div(blocks, pandoc.Attr("", { "table-note" }, style)) }
end

-- Typst breaks every table across pages or none: a short one had better stay whole.
local function keep_whole(tbl)
  local rows = 0
  for _, body in ipairs(tbl.bodies) do
    rows = rows + #body.body
  end
  if rows <= SHORT_TABLE then
    local unbroken = "#[#show figure.where(kind: table): set block(breakable: false)"
    return { pandoc.RawBlock("typst", unbroken), tbl, pandoc.RawBlock("typst", "]") }
  end
end

local PAGE = 135 -- characters of a table's line, beyond which its columns must share the page
local SHORT_CELL = 15 -- characters that had better stay on one line

local function longest_word(text)
  local longest = 0
  for word in text:gmatch("%S+") do
    longest = math.max(longest, pandoc.text.len(word))
  end
  return longest
end

-- Typst gives crowded columns equal room. Here each has what a short cell needs on one line, and
-- the rest of the page is shared out by how much text a column holds.
local function share_columns(tbl)
  local widest, total, least = {}, {}, {}
  local function measure(row, of)
    for i, cell in ipairs(row.cells) do
      local text = stringify(cell.contents)
      local length = pandoc.text.len(text)
      widest[i] = math.max(widest[i] or 0, length)
      total[i] = (total[i] or 0) + length
      least[i] = math.max(least[i] or 0, math.min(of(text), SHORT_CELL) + 3)
    end
  end
  for _, row in ipairs(tbl.head.rows) do
    measure(row, longest_word)
  end
  for _, body in ipairs(tbl.bodies) do
    for _, row in ipairs(body.body) do
      measure(row, pandoc.text.len)
    end
  end
  local line, text, taken = 0, 0, 0
  for i, length in ipairs(widest) do
    line = line + length
    text = text + total[i]
    taken = taken + least[i]
  end
  if line > PAGE then
    local specs, rest = tbl.colspecs, math.max(PAGE - taken, 0)
    for i, needed in ipairs(least) do
      specs[i] = { specs[i][1], (needed + rest * total[i] / text) / math.max(PAGE, taken) }
    end
    tbl.colspecs = specs
  end
  return tbl
end

-- Word and LibreOffice share a table's width out evenly unless told: by the longest cell.
local function fit_columns(tbl)
  local lengths = {}
  local function measure(rows, length)
    for _, row in ipairs(rows) do
      for i, cell in ipairs(row.cells) do
        local needed = math.min(length(stringify(cell.contents)), LONGEST_CELL) + 4
        lengths[i] = math.max(lengths[i] or 0, needed)
      end
    end
  end
  measure(tbl.head.rows, longest_word)
  for _, body in ipairs(tbl.bodies) do
    measure(body.body, pandoc.text.len)
  end
  local total = 0
  for _, length in ipairs(lengths) do
    total = total + length
  end
  local specs = tbl.colspecs
  for i, length in ipairs(lengths) do
    specs[i] = { specs[i][1], length / total }
  end
  tbl.colspecs = specs
  return tbl
end

local function number_span(class, text)
  return pandoc.Span({ pandoc.Str(text) }, pandoc.Attr("", { class }))
end

local function numbered_caption(caption, kind, number)
  local first = caption.long[1]
  local prefix = pandoc.Inlines({
    number_span("caption-number", KINDS[kind] .. NBSP .. number .. ":"),
    pandoc.Space(),
  })
  prefix:extend(first.content)
  first.content = prefix
  caption.long[1] = first
  return caption
end

local function float_counter()
  local counts = { fig = 0, tbl = 0 }
  return function(element)
    local kind = kind_of(element.identifier)
    if counts[kind] == nil then
      return nil
    end
    assert(#element.caption.long > 0, element.identifier .. " has no caption")
    counts[kind] = counts[kind] + 1
    labels[element.identifier] = { kind = kind, number = tostring(counts[kind]) }
    element.caption = numbered_caption(element.caption, kind, counts[kind])
    return element, false
  end
end

local function section_counter()
  local counts = {}
  return function(header)
    if header.classes:includes("unnumbered") then
      return nil
    end
    counts[header.level] = (counts[header.level] or 0) + 1
    for level = header.level + 1, #counts do
      counts[level] = nil
    end
    for level = 1, header.level - 1 do
      counts[level] = counts[level] or 0
    end
    local number = table.concat(counts, ".")
    labels[header.identifier] = { kind = "sec", number = number }
    header.content:insert(1, pandoc.Space())
    header.content:insert(1, number_span("header-section-number", number))
    return header
  end
end

local function reference(citation)
  local target = labels[citation.id]
  assert(target ~= nil, "no numbered figure, table or section is called " .. citation.id)
  local text = pandoc.Inlines({})
  if #citation.prefix > 0 then
    text:extend(citation.prefix)
    text:insert(pandoc.Str(NBSP))
  elseif citation.mode ~= "SuppressAuthor" then
    text:insert(pandoc.Str(KINDS[target.kind] .. NBSP))
  end
  text:insert(pandoc.Str(target.number))
  return pandoc.Link(text, "#" .. citation.id, "", pandoc.Attr("", { "quarto-xref" }))
end

local function resolve(cite)
  local links = pandoc.Inlines({})
  for i, citation in ipairs(cite.citations) do
    if kind_of(citation.id) == nil then
      return nil
    end
    if i > 1 then
      links:insert(pandoc.Str(","))
      links:insert(pandoc.Space())
    end
    links:insert(reference(citation))
  end
  return links
end

function Pandoc(doc)
  local count = float_counter()
  doc.blocks = doc.blocks:walk({ Div = float })
  local counters = { traverse = "topdown", Figure = count, Table = count }
  if doc.meta["number-sections"] then
    counters.Header = section_counter()
  end
  doc.blocks = doc.blocks:walk(counters)
  if FORMAT == "docx" then
    doc.blocks = doc.blocks:walk({ Table = fit_columns })
  elseif FORMAT == "typst" then
    doc.blocks = doc.blocks:walk({ Table = share_columns })
    doc.blocks = doc.blocks:walk({ Table = keep_whole })
  end
  return doc:walk({ Cite = resolve })
end
