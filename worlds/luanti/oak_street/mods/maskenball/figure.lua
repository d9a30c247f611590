-- The avatar that stands there: one figure that turns to whoever is near and says nothing by itself.

local ENTITY = "maskenball:avatar"

return function(ai)
	local settings = ai.settings
	local figure = {}
	local spot, rest_yaw = nil, 0
	local object = nil

	minetest.register_entity(ENTITY, {
		initial_properties = {
			visual = "mesh",
			mesh = "maskenball_avatar.obj",
			textures = {
				"maskenball_skin.png",
				"maskenball_face.png",
				"maskenball_hair.png",
				"maskenball_dress.png",
				"maskenball_apron.png",
				"maskenball_shoes.png",
			},
			visual_size = { x = 10, y = 10, z = 10 },
			collisionbox = { -0.3, 0, -0.3, 0.3, 1.8, 0.3 },
			selectionbox = { -0.35, 0, -0.35, 0.35, 1.85, 0.35 },
			physical = true,
			static_save = false,
			makes_footstep_sound = false,
			nametag = settings.name .. " (AI guide)",
			nametag_color = "#e8f5e9",
			nametag_bgcolor = "#1b3a2acc",
			infotext = settings.name .. ": /ask me something, or /ada",
		},
		on_activate = function(self)
			self.object:set_armor_groups({ immortal = 1 })
		end,
		on_rightclick = function(_, clicker)
			if clicker and clicker:is_player() then
				ai.visits.ask(clicker:get_player_name(), "", "rec")
			end
		end,
		on_punch = function()
			return true
		end,
	})

	function figure.place(pos, yaw)
		spot, rest_yaw = vector.new(pos), yaw or 0
		settings.storage:set_string("position", minetest.pos_to_string(spot))
		settings.storage:set_float("yaw", rest_yaw)
		if object then
			object:remove()
			object = nil
		end
	end

	function figure.position()
		return spot
	end

	local function nearest_player()
		local nearest, least = nil, settings.reach
		for _, player in ipairs(minetest.get_connected_players()) do
			local distance = vector.distance(player:get_pos(), spot)
			if distance <= least then
				nearest, least = player, distance
			end
		end
		return nearest
	end

	local function stand()
		if not spot then
			return
		end
		local player = nearest_player()
		-- The engine forgets the figure with its map block; it comes back with the first visitor.
		if not (object and object:get_pos()) then
			object = player and minetest.add_entity(spot, ENTITY) or nil
		end
		if object and object:get_pos() then
			local yaw = player and minetest.dir_to_yaw(vector.direction(spot, player:get_pos())) or rest_yaw
			object:set_yaw(yaw)
		end
	end

	local stored = settings.storage:get("position")
	local configured = minetest.settings:get("maskenball_position")
	local first = configured and minetest.string_to_pos(configured) or stored and minetest.string_to_pos(stored)
	if first then
		spot, rest_yaw = first, settings.storage:get_float("yaw")
	end

	local since = 0
	minetest.register_globalstep(function(seconds)
		since = since + seconds
		if since >= 0.25 then
			since = 0
			stand()
		end
	end)
	return figure
end
