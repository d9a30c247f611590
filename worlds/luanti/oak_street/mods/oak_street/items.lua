-- What stands on the shelves: "id=Title;id=Title;..." in the setting oak_street_items, at most eight.

local DEFAULT = table.concat({
	"lantern-brass=Brass lantern",
	"chair-oak=Oak chair",
	"blanket-wool=Wool blanket",
	"teapot-clay=Clay teapot",
	"knife-carving=Carving knife",
	"basket-willow=Willow basket",
	"book-trees=Book of trees",
	"kite-paper=Paper kite",
}, ";")

local items = {}
for entry in (minetest.settings:get("oak_street_items") or DEFAULT):gmatch("[^;]+") do
	local id, title = entry:match("^%s*([%w._:-]+)%s*=%s*(.-)%s*$")
	if id and #items < 8 then
		items[#items + 1] = { id = id, title = title }
	end
end
return items
