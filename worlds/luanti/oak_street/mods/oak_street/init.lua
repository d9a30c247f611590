-- A street, a shop and its shelves; wires the parts and puts the avatar in front of the door.

local path = minetest.get_modpath(minetest.get_current_modname())
local items = dofile(path .. "/items.lua")
dofile(path .. "/blocks.lua")
dofile(path .. "/shelves.lua")(items)
local build = dofile(path .. "/build.lua")

local storage = minetest.get_mod_storage()
local PLAN = 1

-- Nothing grows here by itself; night would only hide the shop.
minetest.set_mapgen_setting("mg_name", "singlenode", true)
minetest.register_on_mods_loaded(function()
	minetest.settings:set("time_speed", "0")
end)

minetest.after(0, function()
	minetest.set_timeofday(0.42)
	if storage:get_int("plan") == PLAN then
		return
	end
	minetest.emerge_area(build.from, build.to, function(_, _, left)
		if left == 0 then
			build.street(#items)
			maskenball.place(vector.new(0, 0.5, 0), math.pi)
			storage:set_int("plan", PLAN)
		end
	end)
end)

minetest.register_on_joinplayer(function(player)
	player:set_sky({
		type = "regular",
		sky_color = { day_sky = "#8ec7ea", day_horizon = "#d8ecf6", fog_sun_tint = "#fff1d0" },
	})
	player:set_clouds({ density = 0.3, height = 140, color = "#ffffffd8" })
	player:override_day_night_ratio(1)
	player:hud_set_flags({ minimap = false, wielditem = false, breathbar = false, healthbar = false, hotbar = false })
end)

minetest.register_on_newplayer(function(player)
	player:set_pos(vector.new(0, 0.6, -5))
	player:set_look_horizontal(0)
	-- A little upwards: the chat then stands before the sky.
	player:set_look_vertical(-0.16)
end)

-- Nobody is hurt on Oak Street, and nobody falls off its edge for long.
minetest.register_on_player_hpchange(function()
	return 0
end, true)

local since = 0
minetest.register_globalstep(function(seconds)
	since = since + seconds
	if since < 1 then
		return
	end
	since = 0
	for _, player in ipairs(minetest.get_connected_players()) do
		if player:get_pos().y < -8 then
			player:set_pos(vector.new(0, 0.6, -5))
		end
	end
end)
