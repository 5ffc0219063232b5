-- Embedded renderer only: floats, numbers and cross-references as Quarto prints them
-- ("Section 2.1", "Figure 1", "Table 2", captions "Figure 1: ...").

local NBSP = "\u{a0}"
local KINDS = { fig = "Figure", tbl = "Table", sec = "Section" }
local SHORT_TABLE, LONG_ROW = 16, 45 -- lines
local NOTED = "noted" -- a table that has a note below it
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
    tbl.classes:insert(NOTED)
  end
  -- Word takes the style by its name.
  local style = FORMAT == "docx" and { { "custom-style", "Table Note" } } or {}
  return { tbl, pandoc.Div(blocks, pandoc.Attr("", { "table-note" }, style)) }
end

-- Where a table stands: the line's width and what a column adds to its text, in ems of its text,
-- and its letters' width. Word's font may be missing, and then stands a wider one for it.
local PAGES = {
  typst = { column = 0.94, letters = 0.89, narrow = 0.89, width = 54 },
  docx = { column = 0.75, letters = 1.22, narrow = 1, width = 58.8 },
  html = { column = 1.28, letters = 1.14, narrow = 1.14 },
}
local LONGEST_NUMBER, LONGEST_NAME = 13, 12 -- ems, beyond which a cell had better wrap
local BOLD = 1.13
-- Widths of letters in ems, a little more than a serif's; the others are taken for DEFAULT.
local WIDTHS, DEFAULT = {}, 0.54
for letters, width in pairs({
  [" \u{a0}"] = 0.27,
  ["ijltfrI.,;:'|!()[]/-"] = 0.34,
  ["ABCDEFGHJKLNOPQRSTUVXYZ+=<>≤≥"] = 0.68,
  ["mwMW%@&—→"] = 0.88,
  ["\u{2003}"] = 1,
}) do
  for _, code in utf8.codes(letters) do
    WIDTHS[code] = width
  end
end

local function width_of(text)
  local width = 0
  for _, code in utf8.codes(text) do
    width = width + (WIDTHS[code] or DEFAULT)
  end
  return width
end

local function longest_word(text)
  local longest = 0
  for word in text:gmatch("%S+") do
    longest = math.max(longest, width_of(word))
  end
  return longest
end

-- What a cell will say, as far as it is known before the citations are set (their keys begin with
-- a name) and filler.lua adds what stands behind a number.
local function text_of(cell)
  return stringify(pandoc.Blocks(cell.contents):walk({
    Span = function(span)
      local range = span.attributes["data-range"]
      if range ~= nil then
        local ends, rest = range:match("^([^,]*)(.*)$")
        return { span, pandoc.Str(" [" .. ends:gsub(" ", NBSP) .. rest .. "]") }
      end
    end,
    Cite = function(cite)
      local first = cite.citations[1]
      local name = not kind_of(first.id) and first.id:match("^%a+")
      if name and first.mode == "AuthorInText" then
        return pandoc.Str(name .. " et al. (2000)")
      end
    end,
  }))
end

-- Each cell with its column, and each of the head that spans several with its first one.
local function each_cell(tbl, visit, visit_span)
  local function rows_of(rows, letters)
    local held = {} -- column -> rows that a cell above still takes
    for _, row in ipairs(rows) do
      local column = 1
      for _, cell in ipairs(row.cells) do
        while (held[column] or 0) > 0 do
          held[column] = held[column] - 1
          column = column + 1
        end
        if cell.col_span == 1 then
          visit(column, text_of(cell), letters, row.classes:includes("member"))
        elseif letters == BOLD then
          visit_span(column, cell.col_span, text_of(cell))
        end
        held[column] = cell.row_span - 1
        column = column + cell.col_span
      end
    end
  end
  rows_of(tbl.head.rows, BOLD)
  for _, body in ipairs(tbl.bodies) do
    rows_of(body.body, 1)
  end
end

-- Columns under a heading of several, which had better not wrap either.
local function widen(columns, first, count, line)
  for _, need in ipairs({ "narrow", "numbers", "short", "line" }) do
    local under = 0
    for i = first, first + count - 1 do
      under = under + columns[i][need]
    end
    for i = first, first + count - 1 do
      columns[i][need] = columns[i][need] + math.max(line - under, 0) / count
    end
  end
end

-- What a table's columns need in ems: `words`, that no word breaks; `numbers`, that no number with
-- its interval does either (`narrow`, in the font that is meant); `short`, nor a short name;
-- `line`, that nothing wraps. `total` is the text that they hold.
local function measured(tbl, page)
  local columns, spans = {}, {}
  for i, spec in ipairs(tbl.colspecs) do
    columns[i] = { words = 0, narrow = 0, numbers = 0, short = 0, line = 0, total = 0.1 }
    columns[i].right = spec[1] == "AlignRight"
  end
  each_cell(tbl, function(i, text, bold, indented)
    local column, letters = columns[i], bold * page.letters
    local more = page.column + (indented and i == 1 and 1.5 or 0)
    local line = width_of(text) * letters + more
    local words = longest_word(text) * letters + more
    local number = bold == 1 and column.right and line <= LONGEST_NUMBER
    local name = bold == 1 and line <= LONGEST_NAME + more
    column.words = math.max(column.words, words)
    local narrow = width_of(text) * bold * page.narrow + more
    column.narrow = math.max(column.narrow, words, number and narrow or 0)
    column.numbers = math.max(column.numbers, number and line or words)
    column.short = math.max(column.short, (number or name) and line or words)
    column.line = math.max(column.line, line)
    column.total = column.total + line
  end, function(...)
    spans[#spans + 1] = { ... }
  end)
  for _, span in ipairs(spans) do
    widen(columns, span[1], span[2], width_of(span[3]) * BOLD * page.letters + page.column)
  end
  return columns
end

local function sum(columns, name)
  local total = 0
  for _, column in ipairs(columns) do
    total = total + column[name]
  end
  return total
end

-- Ways to share a line, the better first: where not all names, or not all numbers, can have a line
-- of their own, it may cost the others more lines than it saves that some do.
local function ways(columns, width)
  if sum(columns, "short") <= width then
    return { { need = "short" }, { need = "numbers" } }
  end
  for _, need in ipairs({ "numbers", "narrow" }) do
    if sum(columns, need) <= width then
      return { { need = need } }
    end
  end
  return { { need = "words", grants = true }, { need = "words" } }
end

-- Of the numbers those have a line of their own that need the least for it: counts.
local function grant_cheapest(columns, widths, rest)
  local order = {}
  for i in ipairs(columns) do
    order[i] = i
  end
  local function lacks(i)
    return columns[i].narrow - widths[i]
  end
  table.sort(order, function(a, b)
    return lacks(a) < lacks(b) or lacks(a) == lacks(b) and a < b
  end)
  for _, i in ipairs(order) do
    local more = lacks(i)
    if more <= rest then
      widths[i] = widths[i] + more
      rest = rest - more
    end
  end
  return rest
end

-- Widths in ems: each column has what it needs, and the rest of the line goes by how much text
-- a column holds, to none more than its longest line.
local function shared(columns, width, way)
  local widths, open, rest = {}, {}, width
  for i, column in ipairs(columns) do
    widths[i] = column[way.need]
    rest = rest - widths[i]
    open[i] = true
  end
  if way.grants then
    rest = grant_cheapest(columns, widths, rest)
  end
  while rest > 0.01 do
    local text, given = 0, 0
    for i, column in ipairs(columns) do
      text = text + (open[i] and column.total or 0)
    end
    if text == 0 then
      break
    end
    for i, column in ipairs(columns) do
      if open[i] then
        local more = math.min(rest * column.total / text, column.line - widths[i])
        widths[i] = widths[i] + more
        given = given + more
        open[i] = column.line - widths[i] > 0.01
      end
    end
    rest = rest - given
  end
  return widths
end

-- Lines that a row takes, as far as widths of letters can tell.
local function lines_of(tbl, row)
  local page, lines = PAGES[FORMAT], 1
  for i, cell in ipairs(row.cells) do
    local share = cell.col_span == 1 and tbl.colspecs[i][2]
    if share then
      local room = share * page.width - page.column
      lines = math.max(lines, math.ceil(width_of(text_of(cell)) / room))
    end
  end
  return lines
end

local function lines_of_all(tbl)
  local lines = 0
  for _, body in ipairs(tbl.bodies) do
    for _, row in ipairs(body.body) do
      lines = lines + lines_of(tbl, row)
    end
  end
  return lines
end

local function with_widths(tbl, widths, line)
  local specs, taken = tbl.colspecs, 0
  for _, width in ipairs(widths) do
    taken = taken + width
  end
  for i, width in ipairs(widths) do
    specs[i] = { specs[i][1], width / math.max(taken, line) }
  end
  tbl.colspecs = specs
  return tbl
end

-- Typst gives crowded columns equal room, and Word all columns unless it is told.
local function share_columns(tbl)
  local page = PAGES[FORMAT]
  local columns = measured(tbl, page)
  if FORMAT == "typst" and sum(columns, "line") <= page.width then
    return nil -- by themselves they are as wide as their text
  end
  local best, fewest
  for _, way in ipairs(ways(columns, page.width)) do
    local widths = shared(columns, page.width, way)
    local lines = lines_of_all(with_widths(tbl, widths, page.width))
    if fewest == nil or lines < fewest then
      best, fewest = widths, lines
    end
  end
  return with_widths(tbl, best, page.width)
end

-- Typst breaks every table across pages or none: a short one had better stay whole, and with the
-- beginning of its note. A row never breaks (article.typ), unless it might not fit on a page.
local function keep_whole(tbl)
  local lines = 0
  for _, body in ipairs(tbl.bodies) do
    for _, row in ipairs(body.body) do
      local own = lines_of(tbl, row)
      lines = lines + own
      for _, cell in ipairs(own > LONG_ROW and row.cells or {}) do
        cell.attr.attributes["typst:breakable"] = "true"
      end
    end
  end
  if lines <= SHORT_TABLE then
    local how = "breakable: false" .. (tbl.classes:includes(NOTED) and ", sticky: true" or "")
    local unbroken = "#[#show figure.where(kind: table): set block(" .. how .. ")"
    return { pandoc.RawBlock("typst", unbroken), tbl, pandoc.RawBlock("typst", "]") }
  end
  return tbl
end

-- The page of a screen has room beside its text; what does not fit there scrolls.
local function scrolling_table(tbl)
  local line = math.ceil(sum(measured(tbl, PAGES.html), "line"))
  local kind = labels[tbl.identifier]
  local label = kind and KINDS[kind.kind] .. " " .. kind.number or "Table"
  return pandoc.Div({ tbl }, pandoc.Attr("", { "table-scroll" }, {
    { "role", "region" },
    { "aria-label", label },
    { "tabindex", "0" },
    { "style", "--line: " .. line .. "em" },
  }))
end

local function scrolling_picture(figure)
  figure.content = { pandoc.Div(figure.content, pandoc.Attr("", { "figure-scroll" })) }
  return figure
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
    doc.blocks = doc.blocks:walk({ Table = share_columns })
  elseif FORMAT == "typst" then
    doc.blocks = doc.blocks:walk({ Table = share_columns })
    doc.blocks = doc.blocks:walk({ Table = keep_whole })
  elseif FORMAT:match("^html") then
    doc.blocks = doc.blocks:walk({ Table = scrolling_table, Figure = scrolling_picture })
  end
  return doc:walk({ Cite = resolve })
end
