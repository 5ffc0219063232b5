-- Numbers that rest on filler say so wherever they stand: a double dagger after the number,
-- and the note at the end of the block, or of the caption for a table or a figure.
--
-- Both renderers run this. Under Quarto it stands at `post-quarto`: shortcodes are resolved
-- and floats are FloatRefTarget nodes there; under the embedded renderer they are Table and
-- Figure. A span is marked once (class `filler`), so the order of the passes decides the place.

local MARK = "‡"
local NOTE = "(‡ illustrative, constrained by no printed figure)"

local function mark(element)
  local found = false
  local marked = element:walk({
    Span = function(span)
      if span.attributes["data-support"] == "filler" and not span.classes:includes("filler") then
        found = true
        span.classes:insert("filler")
        return { span, pandoc.Str(MARK) }
      end
    end,
  })
  return marked, found
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
  local marked, found = mark(element)
  if not found then
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
  local content, in_content = mark(node.content)
  local caption, in_caption = node.caption_long, false
  if caption ~= nil then
    caption, in_caption = mark(caption)
  end
  if not (in_content or in_caption) then
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
