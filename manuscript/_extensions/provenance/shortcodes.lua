-- Embedded renderer only: what Quarto does to shortcodes, comments and alternative text before
-- any filter sees the document.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local num = dofile(pandoc.path.join({ here, "num.lua" })).num

local function is_gap(inline)
  return inline ~= nil and (inline.t == "Space" or inline.t == "SoftBreak")
end

-- pandoc reads {{< num a.b >}} as Str "{{<", Space, Str "num", Space, Str "a.b", Space, Str ">}}",
-- with whatever touches the braces glued to the outer two.
local function call_at(inlines, i)
  local open, name, key, close = inlines[i], inlines[i + 2], inlines[i + 4], inlines[i + 6]
  if close == nil or open.t ~= "Str" or close.t ~= "Str" then
    return nil
  end
  local gaps = is_gap(inlines[i + 1]) and is_gap(inlines[i + 3]) and is_gap(inlines[i + 5])
  local before, after = open.text:match("^(.-){{<$"), close.text:match("^>}}(.*)$")
  if gaps and before and after and name.text == "num" and key.t == "Str" then
    return before, num({ key.text }), after
  end
end

local function resolve(inlines)
  local resolved, i, changed = pandoc.Inlines({}), 1, false
  while i <= #inlines do
    local before, span, after = call_at(inlines, i)
    if span == nil then
      resolved:insert(inlines[i])
      i = i + 1
    else
      changed = true
      if before ~= "" then
        resolved:insert(pandoc.Str(before))
      end
      resolved:insert(span)
      i = i + 6
      if after == "" then
        i = i + 1
      else
        inlines[i] = pandoc.Str(after)
      end
    end
  end
  if changed then
    return resolved
  end
end

local function expand(text)
  return (text:gsub("{{< num (%S+) >}}", function(key)
    return pandoc.utils.stringify(num({ key }))
  end))
end

-- The gate needs to know which digits of an alternative text came from the registry.
local function image(img)
  local alt = img.attributes["fig-alt"]
  if alt ~= nil then
    img.attributes["fig-alt"] = nil
    img.caption = pandoc.Inlines(expand(alt))
    if FORMAT == "json" then
      img.attributes["alt-source"] = alt
    end
    return img
  end
end

local function uncommented(raw)
  if raw.format == "html" and raw.text:match("^%s*<!%-%-.*%-%->%s*$") then
    return {}
  end
end

return {
  { RawInline = uncommented, RawBlock = uncommented },
  { Inlines = resolve },
  { Image = image },
}
