-- What visitors can say: /ask, /ada, or simply her name and a comma in the chat.

-- Short words for purposes, so that nobody has to type an id.
local PURPOSES = {
	behaviour = "collect.behaviour",
	personal = "personalise.world",
	offers = "recommend.offer",
	memory = "remember.conversation",
}
local IN_WORDS = {
	["collect.behaviour"] = "learn from what you do here (behaviour)",
	["personalise.world"] = "see what you like and say hello (personal)",
	["recommend.offer"] = "pick suggestions for you (offers)",
	["remember.conversation"] = "remember our talks (memory)",
}
local ORDER = { "behaviour", "personal", "offers", "memory" }

return function(ai)
	local settings, visits = ai.settings, ai.visits
	local USAGE = {
		"/ask <question>  or  '" .. settings.name .. ", <question>' in the chat: only you see it",
		"/ada rec | where <thing> | price <thing> | help <question>",
		"/ada no | just looking | forget me",
		"/ada consent | consent give <all or: behaviour personal offers memory> | consent take <the same>",
	}

	local function purposes(words)
		local chosen = {}
		for word in words:gmatch("%S+") do
			if word == "all" or word == "everything" then
				return { unpack({ PURPOSES.behaviour, PURPOSES.personal, PURPOSES.offers, PURPOSES.memory }) }
			end
			chosen[#chosen + 1] = PURPOSES[word]
		end
		return chosen
	end

	local function told(visit, answer)
		for purpose, state in pairs(type(answer.con) == "table" and answer.con or {}) do
			local may = state == "given" or state == "renewed"
			visits.speak(visit, (may and "Yes: I may " or "I no longer ") .. (IN_WORDS[purpose] or purpose) .. ".")
		end
		if type(answer.con) ~= "table" then
			visits.speak(visit, "Nothing to change.")
		end
	end

	local function consent(name, words)
		local verb, rest = words:match("^(%a+)%s*(.*)$")
		if verb == "give" then
			local give = purposes(rest)
			if give[1] then
				visits.consent(name, give, nil, told)
				return true
			end
		elseif verb == "take" then
			local all = rest == "" or rest == "all" or rest == "everything"
			local take = all and { "*" } or purposes(rest)
			if take[1] then
				visits.consent(name, nil, take, told)
				return true
			end
		end
		local lines = { settings.name .. " does only what you allow, and you can take it back at once:" }
		for _, word in ipairs(ORDER) do
			lines[#lines + 1] = "  " .. word .. ": " .. IN_WORDS[PURPOSES[word]]
		end
		lines[#lines + 1] = USAGE[4]
		return true, table.concat(lines, "\n")
	end

	local function forget(name)
		visits.forget(name, function(visit, answer)
			local receipt = answer.rc and " Receipt " .. answer.rc:sub(1, 8) .. "." or ""
			visits.speak(visit, "I have forgotten our talks." .. receipt)
		end)
	end

	local ASKED = { rec = true, where = true, price = true, help = true, faq = true }

	local function ada(name, words)
		words = words:trim()
		local verb, rest = words:match("^(%a+)%s*(.*)$")
		if ASKED[verb] then
			visits.ask(name, rest, verb)
		elseif verb == "consent" then
			return consent(name, rest)
		elseif words == "no" or words == "no thanks" then
			visits.refuse(name)
		elseif words == "just looking" then
			visits.leave_alone(name)
		elseif words == "forget me" or words == "forget" then
			forget(name)
		else
			return true, table.concat(USAGE, "\n")
		end
		return true
	end

	minetest.register_chatcommand("ada", {
		params = "rec | where <thing> | price <thing> | help <question> | no | just looking | forget me | consent ...",
		description = "Talk to " .. settings.name .. ", an AI guide. Only you see the answers.",
		func = ada,
	})
	minetest.register_chatcommand("ask", {
		params = "<question>",
		description = "Ask " .. settings.name .. ". Only you see the answer.",
		func = function(name, question)
			visits.ask(name, question:trim(), nil)
			return true
		end,
	})
	minetest.register_chatcommand("ada_here", {
		description = "Put " .. settings.name .. " where you stand.",
		privs = { server = true },
		func = function(name)
			local player = minetest.get_player_by_name(name)
			ai.figure.place(player:get_pos(), player:get_look_horizontal() + math.pi)
			return true
		end,
	})

	-- "Ada, where are the lamps?" is for her ears: it does not go to everybody.
	local call = "^" .. settings.name:lower():gsub("%p", "%%%0") .. "%s*,%s*(.+)$"
	minetest.register_on_chat_message(function(name, message)
		local question = message:lower():match(call) and message:match(",%s*(.+)$")
		if question then
			visits.ask(name, question:trim(), nil)
			return true
		end
	end)
end
