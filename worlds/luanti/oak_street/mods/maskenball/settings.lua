-- Reads minetest.conf once; nothing here has to be set but the adapter and the token.

return function(storage)
	local function text(name, default)
		local value = minetest.settings:get("maskenball_" .. name)
		if value == nil or value == "" then
			return default
		end
		return value
	end

	local function number(name, default)
		return tonumber(text(name, "")) or default
	end

	-- The key that visitors' names are hashed with. It never leaves the server, not even to the adapter.
	local function world_key()
		local key = text("world_key", nil) or storage:get("world_key")
		if not key then
			key = minetest.encode_base64(SecureRandom():next_bytes(32))
			storage:set_string("world_key", key)
		end
		return key
	end

	return {
		url = text("adapter", "http://127.0.0.1:8080"):gsub("/+$", "") .. "/a/v1",
		token = text("token", ""),
		world = text("world", ""),
		avatar = text("avatar", ""),
		name = text("avatar_name", "Ada"),
		reach = number("reach", 7),
		queue = number("queue", 200),
		-- Seconds a request may take, and an asked question may wait for its answer.
		timeout = number("timeout", 5),
		patience = number("patience", 10),
		-- Seconds between two tries at most, when the adapter is away.
		pause = number("longest_pause", 30),
		say = number("say", 300),
		storage = storage,
		key = world_key(),
	}
end
