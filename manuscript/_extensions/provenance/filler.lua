-- Numbers that rest on filler say so wherever they stand: a double dagger after the number,
-- and the note at the end of the block, or of the caption for a table or a figure. A table's row
-- that holds no other numbers has the dagger once, after its label.
--
-- Both renderers run this. Under Quarto it stands at `post-quarto`: shortcodes are resolved
-- and floats are FloatRefTarget nodes there; under the embedded renderer they are Table and
-- Figure. A span is marked once (class `filler`), so the order of the passes decides the place.

local MARK = "‡"
local NOTE = "(‡ illustrative, constrained by no printed figure)"

local function is_filler(span)
  return span.attributes["data-support"] == "filler"
end

local function mark(element)
  local found = false
  local marked = element:walk({
    Span = function(span)
      if is_filler(span) and not span.classes:includes("filler") then
        found = true
        span.classes:insert("filler")
        return { span, pandoc.Str(MARK) }
      end
    end,
  })
  return marked, found
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

local function note()
  local inlines = pandoc.Inlines({})
  for word in NOTE:gmatch("[^ ]+") do
    if #inlines > 0 then
      inlines:insert(pandoc.Space())
    end
    inlines:insert(pandoc.Str(word))
  end
  return pandoc.Span(inlines, pandoc.Attr("", { "filler-note" }))
end

local function annotate(inlines)
  if #inlines > 0 then
    inlines:insert(pandoc.Space())
  end
  inlines:insert(note())
  return inlines
end

local function captioned(element)
  local rows, in_rows = mark_rows(element)
  local marked, found = mark(rows)
  if not (found or in_rows) then
    return nil
  end
  local long = marked.caption.long
  if #long == 0 then
    long:insert(pandoc.Plain(annotate(pandoc.Inlines({}))))
  else
    long[#long].content = annotate(long[#long].content)
  end
  marked.caption.long = long
  return marked
end

local function float(node)
  local rows, in_rows = mark_rows(node.content)
  local content, in_content = mark(rows)
  local caption, in_caption = node.caption_long, false
  if caption ~= nil then
    caption, in_caption = mark(caption)
  end
  if not (in_rows or in_content or in_caption) then
    return nil
  end
  if caption == nil then
    caption = pandoc.Plain({})
  end
  if caption.content ~= nil then
    caption.content = annotate(caption.content)
  else
    caption = annotate(caption)
  end
  node.content = content
  node.caption_long = caption
  return node
end

local function paragraph(block)
  local marked, found = mark(block)
  if found then
    marked.content = annotate(marked.content)
    return marked
  end
end

return {
  { FloatRefTarget = float },
  { Table = captioned, Figure = captioned },
  { Para = paragraph, Plain = paragraph },
}
