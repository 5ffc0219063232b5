-- Embedded renderer only: the title block, as the templates print it.

local stringify = pandoc.utils.stringify
local MONTHS = {
  "January", "February", "March", "April", "May", "June", "July", "August", "September",
  "October", "November", "December",
}

-- Quarto's date-format "D MMMM YYYY".
local function printed_date(date)
  local year, month, day = stringify(date):match("^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
  assert(year ~= nil, "the date of the front matter is not YYYY-MM-DD: " .. stringify(date))
  return pandoc.Inlines(tonumber(day) .. " " .. MONTHS[tonumber(month)] .. " " .. year)
end

local function author(entry)
  if pandoc.utils.type(entry) == "Inlines" then
    return { name = entry }
  end
  return entry
end

local function authors(meta)
  if pandoc.utils.type(meta) ~= "List" then
    meta = pandoc.List({ meta })
  end
  return pandoc.List(meta):map(author)
end

-- Word's writer prints one line per author, and knows of no affiliation.
local function line(person)
  local inlines = pandoc.Inlines(person.name)
  if person.affiliation ~= nil then
    inlines:extend({ pandoc.Str(","), pandoc.Space() })
    inlines:extend(person.affiliation)
  end
  return inlines
end

function Meta(meta)
  if meta.date ~= nil then
    meta["date-iso"] = meta.date
    meta.date = printed_date(meta.date)
  end
  -- A number whose text is empty leaves a span that says nothing.
  if meta.subtitle ~= nil and stringify(meta.subtitle) == "" then
    meta.subtitle = nil
  end
  if meta.author ~= nil then
    local people = authors(meta.author)
    meta["author-names"] = people:map(function(person) return person.name end)
    meta.author = FORMAT == "docx" and people:map(line) or people
  end
  return meta
end
