-- Numbers that rest on filler say so wherever they stand: a double dagger after the number, and
-- the note at the end of the block, or of the caption for a table or a figure. The limits of a
-- number that has the dagger go without. A table's row that holds no other numbers has the dagger
-- once, after its label. Numbers that no printed figure constrains have their range over the
-- reconstructions found behind them, noted in the same way.
--
-- Both renderers run this. Under Quarto it stands at `post-quarto`: shortcodes are resolved
-- and floats are FloatRefTarget nodes there; under the embedded renderer they are Table and
-- Figure. A span is marked once (class `filler`, or `ranged`), so the order of the passes decides the place.

local MARK = "‡"
local NOTE = "(‡ illustrative, not constrained by any printed figure)"
local RANGE_NOTE = "(in square brackets: range over the %s reconstructions found)"
-- A table's ranges are lighter than its numbers: article.css has the same size.
local LIGHTER = '#text(size: 0.88em, fill: rgb("#59636e"))['
local NBSP = "\u{a0}"

local function words(text)
  local inlines = pandoc.Inlines({})
  for word in text:gmatch("[^ ]+") do
    if #inlines > 0 then
      inlines:insert(pandoc.Space())
    end
    inlines:insert(pandoc.Str(word))
  end
  return inlines
end

local function is_filler(span)
  return span.attributes["data-support"] == "filler"
end

local LIMITS = { low = true, high = true, min = true, max = true }

local function subject(key)
  return (key:gsub("%.stated$", ""):gsub("%.median$", ""))
end

-- Whether a key is of a limit whose number was marked before it.
local function is_limit(key, marked)
  local owner, part = key:match("^(.*)%.(%a+)$")
  return LIMITS[part] == true and marked[subject(owner)] == true
end

-- What follows a span: its dagger, a per cent sign of the text, and its range in brackets.
-- `subjects` are those of the numbers that have a dagger.
local function followed(inlines, seen, subjects)
  local marked, i = pandoc.Inlines({}), 1
  while i <= #inlines do
    local span = inlines[i]
    marked:insert(span)
    i = i + 1
    if span.t == "Span" then
      if is_filler(span) and not span.classes:includes("filler") then
        local key = span.attributes["data-key"]
        seen.filler = true
        span.classes:insert("filler")
        if not is_limit(key, subjects) then
          subjects[subject(key)] = true
          marked:insert(pandoc.Str(MARK))
        end
      end
      local range = span.attributes["data-range"]
      if range ~= nil and not span.classes:includes("ranged") then
        seen.solutions = span.attributes["data-solutions"]
        span.classes:insert("ranged")
        local after = inlines[i]
        if after ~= nil and after.t == "Str" and after.text:match("^%%") then
          marked:insert(pandoc.Str("%"))
          inlines[i] = pandoc.Str(after.text:sub(2))
        end
        local key = span.attributes["data-key"] .. ".over_solutions"
        local keyed = pandoc.Span(words(range), pandoc.Attr("", { "range" }, { { "data-key", key } }))
        local bracketed = { pandoc.Str("["), keyed, pandoc.Str("]") }
        marked:extend({ pandoc.Space(), pandoc.Span(bracketed, pandoc.Attr("", { "bracketed" })) })
      end
    end
  end
  return marked
end

-- The element with its numbers marked, and what must be noted: nil where there is nothing.
local function mark(element)
  local seen, subjects = {}, {}
  local marked = element:walk({
    Inlines = function(inlines)
      return followed(inlines, seen, subjects)
    end,
  })
  return marked, next(seen) ~= nil and seen or nil
end

-- Whether two numbers or more stand beside a row's label, and all of them rest on filler.
local function is_all_filler(row)
  local count, all = 0, true
  local function look(span)
    if span.attributes["data-key"] ~= nil then
      count = count + 1
      all = all and is_filler(span)
    end
  end
  for i = 2, #row.cells do
    pandoc.Blocks(row.cells[i].contents):walk({ Span = look })
  end
  return all and count > 1 and pandoc.utils.stringify(row.cells[1].contents) ~= ""
end

local function marked_row(row)
  for i, cell in ipairs(row.cells) do
    cell.contents = pandoc.Blocks(cell.contents):walk({
      Span = function(span)
        if is_filler(span) then
          span.classes:insert("filler")
          return span
        end
      end,
      Block = i == 1 and function(block)
        if block.t == "Plain" or block.t == "Para" then
          block.content:insert(pandoc.Str(MARK))
          return block
        end
      end or nil,
    })
  end
  return row
end

-- Rows of filler only, each marked on its label; before `mark`, which passes them over.
local function mark_rows(element)
  local found = false
  local function rows(tbl)
    for _, body in ipairs(tbl.bodies) do
      for i, row in ipairs(body.body) do
        if is_all_filler(row) then
          found = true
          body.body[i] = marked_row(row)
        end
      end
    end
    return tbl
  end
  if element.t == "Table" then
    return rows(element), found
  end
  return element:walk({ Table = rows }), found
end

local function filler_note()
  return pandoc.Span(words(NOTE), pandoc.Attr("", { "filler-note" }))
end

-- How many there are is a number of the registry, too.
local function range_note(solutions)
  local before, after = RANGE_NOTE:match("^(.*) %%s (.*)$")
  local count = pandoc.Span(
    pandoc.Inlines({ pandoc.Str(solutions) }),
    pandoc.Attr("", { "num" }, { { "data-key", "reproduction.search.solutions" } })
  )
  local inlines = words(before)
  inlines:extend({ pandoc.Space(), count, pandoc.Space() })
  inlines:extend(words(after))
  return pandoc.Span(inlines, pandoc.Attr("", { "filler-note" }))
end

local function annotate(inlines, seen)
  local notes = pandoc.Inlines({})
  if seen.filler then
    notes:insert(filler_note())
  end
  if seen.solutions then
    notes:insert(range_note(seen.solutions))
  end
  for _, note in ipairs(notes) do
    if #inlines > 0 then
      inlines:insert(pandoc.Space())
    end
    inlines:insert(note)
  end
  return inlines
end

-- In a cell of the PDF the ends of a range stay on one line, and so do those of an interval.
local function lighter(span)
  if not span.classes:includes("bracketed") then
    return nil
  end
  local range = span.content[2]
  local ends, rest = pandoc.utils.stringify(range):match("^([^,]*)(.*)$")
  range.content = words(ends:gsub(" ", NBSP) .. rest)
  return { pandoc.RawInline("typst", LIGHTER), span, pandoc.RawInline("typst", "]") }
end

-- Index of the end of what stands in round brackets from `first` on: behind a range whatever it is,
-- else one word.
local function interval_end(inlines, first)
  local opening, before = inlines[first], inlines[first - 2]
  if opening.t ~= "Str" or not opening.text:match("^%(") then
    return nil
  end
  local behind = before ~= nil and before.t == "Span" and before.classes:includes("bracketed")
  for i = first, #inlines do
    local inline = inlines[i]
    if inline.t == "Str" and inline.text:match("%)") then
      return i
    elseif not behind and pandoc.utils.stringify(inline):match(" ") then
      return nil
    end
  end
end

local function boxed_intervals(inlines)
  local made, i = pandoc.Inlines({}), 1
  while i <= #inlines do
    local last = interval_end(inlines, i)
    if last ~= nil then
      made:insert(pandoc.RawInline("typst", "#box["))
      made:extend({ table.unpack(inlines, i, last) })
      made:insert(pandoc.RawInline("typst", "]"))
    else
      made:insert(inlines[i])
    end
    i = (last or i) + 1
  end
  return made
end

local function with_lighter_ranges(tbl)
  for _, body in ipairs(tbl.bodies) do
    for _, row in ipairs(body.body) do
      for _, cell in ipairs(row.cells) do
        local bound = pandoc.Blocks(cell.contents):walk({ Inlines = boxed_intervals })
        cell.contents = bound:walk({ Span = lighter })
      end
    end
  end
  return tbl
end

-- What several parts of a float ask to be noted.
local function together(...)
  local seen
  for _, part in pairs({ ... }) do
    if part then
      seen = seen or {}
      for name, value in pairs(part) do
        seen[name] = value
      end
    end
  end
  return seen
end

local function captioned(element)
  local rows, in_rows = mark_rows(element)
  local marked, found = mark(rows)
  local seen = together(found, in_rows and { filler = true })
  if seen == nil then
    return nil
  end
  local long = marked.caption.long
  if #long == 0 then
    long:insert(pandoc.Plain(annotate(pandoc.Inlines({}), seen)))
  else
    long[#long].content = annotate(long[#long].content, seen)
  end
  marked.caption.long = long
  return marked
end

local function float(node)
  local rows, in_rows = mark_rows(node.content)
  local content, in_content = mark(rows)
  local caption, in_caption = node.caption_long, nil
  if caption ~= nil then
    caption, in_caption = mark(caption)
  end
  local seen = together(in_content, in_caption, in_rows and { filler = true })
  if seen == nil then
    return nil
  end
  if caption == nil then
    caption = pandoc.Plain({})
  end
  if caption.content ~= nil then
    caption.content = annotate(caption.content, seen)
  else
    caption = annotate(caption, seen)
  end
  node.content = content
  node.caption_long = caption
  return node
end

local function paragraph(block)
  local marked, seen = mark(block)
  if seen ~= nil then
    marked.content = annotate(marked.content, seen)
    return marked
  end
end

return {
  { FloatRefTarget = float },
  { Table = captioned, Figure = captioned },
  { Para = paragraph, Plain = paragraph },
  FORMAT == "typst" and { Table = with_lighter_ranges } or {},
}
