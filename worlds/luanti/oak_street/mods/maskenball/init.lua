-- Wires the mod together and offers what other mods may call.

local path = minetest.get_modpath(minetest.get_current_modname())

-- The engine hands these out while mods load and at no other time.
local http = minetest.request_http_api()
local storage = minetest.get_mod_storage()

local settings = dofile(path .. "/settings.lua")(storage)
local ai = { settings = settings }
ai.pseudonyms = dofile(path .. "/pseudonyms.lua")(settings)
ai.door = dofile(path .. "/door.lua")(http, settings)
ai.visits = dofile(path .. "/visits.lua")(ai)
ai.figure = dofile(path .. "/figure.lua")(ai)
dofile(path .. "/commands.lua")(ai)
-- Behind the commands: what is said to the avatar alone is no talk between players.
ai.plays = dofile(path .. "/plays.lua")()

maskenball = {}

-- Tells that a player has `event` ("seen", "tried", "bought", "dismissed", "wished", "praised", ...) an item.
function maskenball.observe(player_name, event, item)
	ai.visits.observe(player_name, event, item)
end

-- Counts what a player did: "trades", "blocks_built", "help_given", "rules_broken", "chat_partners", "distance_explored".
-- Blocks, talks and ways are counted anyhow, and so is what was bought.
function maskenball.play(player_name, what, much)
	ai.plays.count(player_name, what, much)
end

-- Where the avatar stands, and which way it looks when nobody is near (radians).
function maskenball.place(pos, yaw)
	ai.figure.place(pos, yaw)
end

if not http then
	minetest.log("error", "[maskenball] no HTTP: add 'maskenball' to secure.http_mods; the avatar stays silent")
elseif settings.token == "" then
	minetest.log("error", "[maskenball] maskenball_token is not set; the avatar stays silent")
end
