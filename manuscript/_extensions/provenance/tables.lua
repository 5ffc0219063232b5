-- Shapes that a pipe table cannot write. Both renderers run this:
--
-- A row of one bold cell heads a group: it spans the table, and the rows after it are indented.
-- An empty cell in the header, beside the first, continues the one on its left; the body's first
-- row is then the header's second.

local stringify = pandoc.utils.stringify
local TYPST, DOCX = FORMAT == "typst", FORMAT == "docx"
-- The template's inset, with room above a group and beside its rows.
local HEADING, INDENTED = "(x: 4pt, top: 6pt, bottom: 3pt)", "(left: 14pt, right: 4pt, y: 3pt)"

local function is_empty(cell)
  return stringify(cell.contents) == ""
end

-- Word takes a paragraph style by its name, and for a Para only: a Plain's is always "Compact".
local function styled(cell, style)
  if is_empty(cell) then
    return
  end
  local text = { pandoc.Para(cell.contents[1].content) }
  cell.contents = { pandoc.Div(text, pandoc.Attr("", {}, { { "custom-style", style } })) }
end

local function heads_group(row)
  local first = row.cells[1]
  local block = first.contents[1]
  if #row.cells < 2 or block == nil or block.t ~= "Plain" then
    return false
  end
  for i = 2, #row.cells do
    if not is_empty(row.cells[i]) then
      return false
    end
  end
  return #first.contents == 1 and #block.content == 1 and block.content[1].t == "Strong"
end

local function spanned(row)
  local cell = row.cells[1]
  cell.col_span = #row.cells
  row.cells = { cell }
  row.attr.classes:insert("group")
  if TYPST then
    cell.attr.attributes["typst:inset"] = HEADING
  elseif DOCX then
    styled(cell, "Table Group")
  end
  return row
end

-- `first` stays on the page of its heading in Word, so that two rows do.
local function member(row, first)
  local cell = row.cells[1]
  row.attr.classes:insert("member")
  if TYPST then
    cell.attr.attributes["typst:inset"] = INDENTED
  elseif DOCX then
    styled(cell, first and "Table First Member" or "Table Member")
  end
  return row
end

local function group(body)
  local inside, first = false, false
  for i, row in ipairs(body.body) do
    if heads_group(row) then
      body.body[i] = spanned(row)
      inside, first = true, true
    elseif inside then
      body.body[i] = member(row, first)
      first = false
    end
  end
  return body
end

-- Header cells with the columns that each is over.
local function spans(row)
  local found = {}
  for i, cell in ipairs(row.cells) do
    if i > 2 and is_empty(cell) then
      found[#found].col_span = found[#found].col_span + 1
    else
      found[#found + 1] = cell
    end
  end
  return found
end

-- The templates set only the first row in bold.
local function bold(cell)
  if (TYPST or DOCX) and not is_empty(cell) then
    cell.contents = { pandoc.Plain({ pandoc.Strong(cell.contents[1].content) }) }
  end
end

local function two_rows(tbl, over)
  local below = tbl.bodies[1].body:remove(1)
  local lower = {}
  local column = 1
  for _, cell in ipairs(over) do
    local wide = cell.col_span > 1
    if wide then
      cell.alignment = "AlignCenter"
      if TYPST then
        cell.attr.attributes["typst:stroke"] = "(bottom: 0.3pt)"
      end
    else
      cell.row_span = 2
      cell.contents = below.cells[column].contents
    end
    for i = column, column + cell.col_span - 1 do
      if wide then
        bold(below.cells[i])
        lower[#lower + 1] = below.cells[i]
      end
    end
    column = column + cell.col_span
  end
  tbl.head.rows = { pandoc.Row(over), pandoc.Row(lower) }
end

local function shaped(tbl)
  local head = tbl.head.rows[1]
  if head ~= nil then
    local over = spans(head)
    if #over < #head.cells then
      two_rows(tbl, over)
    end
  end
  for i, body in ipairs(tbl.bodies) do
    tbl.bodies[i] = group(body)
  end
  return tbl
end

return { { Table = shaped } }
