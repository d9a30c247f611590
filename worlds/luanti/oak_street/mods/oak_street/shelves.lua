-- One shelf per item: a look at it is seen, a hand on it tried; the card offers to buy it or to put it away.

local FORM = "oak_street:card:"

local function card(item)
	local title = minetest.formspec_escape(item.title)
	return table.concat({
		"formspec_version[4]size[7,4.2]",
		"label[0.6,0.9;", title, "   ", minetest.formspec_escape(item.price or ""), "]",
		"button_exit[0.6,1.6;5.8,0.8;bought;Take it home]",
		"button_exit[0.6,2.5;2.8,0.8;wished;Wish for it]",
		"button_exit[3.6,2.5;2.8,0.8;dismissed;Not for me]",
	})
end

return function(items)
	local by_id = {}
	for number, item in ipairs(items) do
		by_id[item.id] = item
		minetest.register_node("oak_street:shelf_" .. number, {
			description = item.title,
			tiles = {
				"oak_street_shelf.png", "oak_street_shelf.png", "oak_street_shelf.png",
				"oak_street_shelf.png", "oak_street_shelf.png", "oak_street_goods_" .. number .. ".png",
			},
			paramtype2 = "facedir",
			on_construct = function(pos)
				minetest.get_meta(pos):set_string("infotext", item.title)
			end,
			on_punch = function(_, _, puncher)
				if puncher and puncher:is_player() then
					maskenball.observe(puncher:get_player_name(), "seen", item.id)
				end
			end,
			on_rightclick = function(_, _, clicker)
				local name = clicker:get_player_name()
				maskenball.observe(name, "tried", item.id)
				minetest.show_formspec(name, FORM .. item.id, card(item))
			end,
		})
	end

	local function named(words)
		local wanted = words:trim():lower()
		for _, item in ipairs(items) do
			if item.id == wanted or item.title:lower() == wanted then
				return item
			end
		end
	end

	-- For whoever would rather type than click.
	local DONE = { see = "seen", try = "tried", take = "bought", wish = "wished" }
	for command, event in pairs(DONE) do
		minetest.register_chatcommand(command, {
			params = "<thing>",
			description = "As with the hand on the shelf: " .. event .. ".",
			func = function(name, words)
				local item = named(words)
				if not item then
					return false, "There is no such thing on the shelves."
				end
				maskenball.observe(name, event, item.id)
				return true, item.title .. ": " .. event .. "."
			end,
		})
	end

	minetest.register_on_player_receive_fields(function(player, form, fields)
		local item = form:sub(1, #FORM) == FORM and by_id[form:sub(#FORM + 1)]
		if not item then
			return
		end
		for _, event in ipairs({ "bought", "wished", "dismissed" }) do
			if fields[event] then
				maskenball.observe(player:get_player_name(), event, item.id)
			end
		end
		return true
	end)
end
