-- How players play: counts of a session, told when it ends. Where somebody was and whom they met stays here and is forgotten.

local HOUR = 3600
-- Metres; a place is new once.
local PLACE = 16
-- Seconds in which two who speak are taken to talk with each other.
local TALK = 60
local MOST = {
	hours = 24,
	trades = 1000,
	chat_partners = 1000,
	distance_explored = 1000000,
	blocks_built = 100000,
	help_given = 1000,
	rules_broken = 1000,
}

return function()
	local plays = {}
	local sessions = {}
	local spoke_at = {}

	local function now()
		return minetest.get_us_time() / 1000000
	end

	-- Adds to what a player did; a player who is not here did nothing.
	function plays.count(player_name, what, much)
		local session = sessions[player_name]
		if session and MOST[what] and what ~= "hours" then
			session.counts[what] = (session.counts[what] or 0) + (much or 1)
		end
	end

	local function explore(session, pos)
		local place = minetest.hash_node_position(vector.round(vector.divide(pos, PLACE)))
		if not session.places[place] then
			session.places[place] = true
			session.counts.distance_explored = (session.counts.distance_explored or -PLACE) + PLACE
		end
	end

	-- Returns what was counted since the player came, and forgets it; nil for nobody.
	function plays.take(player_name)
		local session = sessions[player_name]
		sessions[player_name], spoke_at[player_name] = nil, nil
		if not session then
			return nil
		end
		local counts = session.counts
		counts.hours = math.max(1, now() - session.since) / HOUR
		for what, much in pairs(counts) do
			counts[what] = math.min(MOST[what], much)
		end
		return counts
	end

	minetest.register_on_joinplayer(function(player)
		sessions[player:get_player_name()] = { since = now(), counts = {}, places = {}, partners = {} }
	end)
	minetest.register_on_placenode(function(_, _, placer)
		if placer and placer:is_player() then
			plays.count(placer:get_player_name(), "blocks_built")
		end
	end)
	minetest.register_on_chat_message(function(name)
		local time = now()
		spoke_at[name] = time
		for other, at in pairs(spoke_at) do
			if other ~= name and time - at < TALK then
				for one, partner in pairs({ [name] = other, [other] = name }) do
					local session = sessions[one]
					if session and not session.partners[partner] then
						session.partners[partner] = true
						plays.count(one, "chat_partners")
					end
				end
			end
		end
	end)

	local since = 0
	minetest.register_globalstep(function(seconds)
		since = since + seconds
		if since < 1 then
			return
		end
		since = 0
		for _, player in ipairs(minetest.get_connected_players()) do
			local session = sessions[player:get_player_name()]
			if session then
				explore(session, player:get_pos())
			end
		end
	end)
	return plays
end
