-- {{< num key >}}: a number of the registry, as it is printed, in a span that keeps its key.
--
-- Quarto calls this as a shortcode; shortcodes.lua calls the same function for the embedded
-- renderer. numbers.json lies at the project's root, two folders above this file.

local numbers = nil

local function folder()
  if quarto ~= nil then
    return pandoc.path.directory(quarto.utils.resolve_path("num.lua"))
  end
  return pandoc.path.directory(PANDOC_SCRIPT_FILE)
end

local function registry()
  if numbers == nil then
    local path = pandoc.path.join({ folder(), "..", "..", "numbers.json" })
    local file = assert(io.open(path, "r"), "cannot open " .. path)
    numbers = pandoc.json.decode(file:read("a"), false)
    file:close()
  end
  return numbers
end

-- Only at spaces: a no-break space in the registry's text stays one.
local function words(text)
  local inlines = pandoc.List()
  for gap, word in text:gmatch("( *)([^ ]+)") do
    if gap ~= "" then
      inlines:insert(pandoc.Space())
    end
    inlines:insert(pandoc.Str(word))
  end
  return inlines
end

local function num(args)
  local key = pandoc.utils.stringify(args[1] or "")
  local entry = registry()[key]
  -- Quarto goes on after error(), but not after a failed assertion.
  assert(entry ~= nil, "num: the registry has no number called " .. key)
  -- Pairs, not a table with names: their order must be the same in every run.
  local attributes = { { "data-key", key } }
  if entry.support == "filler" then
    attributes[2] = { "data-support", "filler" }
  end
  if entry.locator ~= nil then
    attributes[#attributes + 1] = { "title", entry.locator }
  end
  -- What the reconstructions found leave open: filler.lua prints it behind the number.
  if entry.over_solutions ~= nil then
    attributes[#attributes + 1] = { "data-range", entry.over_solutions }
    attributes[#attributes + 1] = { "data-solutions", entry.solutions }
  end
  return pandoc.Span(words(entry.text), pandoc.Attr("", { "num" }, attributes))
end

return { ["num"] = num }
