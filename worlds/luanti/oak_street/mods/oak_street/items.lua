-- What stands on the shelves: the first eight things of catalogue.json, which the brand's catalogue holds as well.

local path = minetest.get_modpath(minetest.get_current_modname()) .. "/catalogue.json"
local file = assert(io.open(path, "r"))
local catalogue = assert(minetest.parse_json(file:read("*a")), path .. " is not JSON")
file:close()

local items = {}
for _, each in ipairs(catalogue) do
	if #items < 8 then
		items[#items + 1] = { id = each.item, title = each.title, price = each.price }
	end
end
return items
