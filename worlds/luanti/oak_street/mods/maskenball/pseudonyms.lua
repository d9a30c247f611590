-- Makes the name under which a visitor is known outside this server, and ids for frames.

return function(settings)
	local pseudonyms = {}

	-- 22 characters of base64url over SHA-1 (the only hash that mods have), keyed with this world's own secret. The
	-- adapter hashes it once more under keys of its own.
	function pseudonyms.visitor(player_name)
		local digest = minetest.sha1(settings.key .. "\0" .. player_name, true)
		return (minetest.encode_base64(digest):sub(1, 22):gsub("+", "-"):gsub("/", "_"))
	end

	-- Ids never come again: this start of the server, then a count.
	local boot = os.time() .. "-" .. math.floor(minetest.get_us_time() % 1000000)
	local count = 0
	function pseudonyms.frame_id()
		count = count + 1
		return boot .. "-" .. count
	end

	return pseudonyms
end
