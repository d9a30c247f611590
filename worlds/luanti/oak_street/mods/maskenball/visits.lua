-- The visits of the players who are here: what the avatar may say to whom, and what became of it.

local TOKEN_AGE = 25 * 60
local IGNORED_AFTER = 60
local VOICE, SOFT = "#a8f0b0", "#e4ecef"

return function(ai)
	local settings, door, pseudonyms = ai.settings, ai.door, ai.pseudonyms
	local visits = {}
	local by_name = {}

	local function now()
		return minetest.get_us_time() / 1000000
	end

	-- Private to the visitor. The first words are preceded by the line that an AI speaks.
	local function speak(visit, line, why)
		local name = visit.player_name
		if not name or not line or line == "" then
			return
		end
		if not visit.said_ai then
			visit.said_ai = true
			local ai_line = type(visit.ai_line) == "string" and visit.ai_line or (settings.name .. " is an AI guide.")
			minetest.chat_send_player(name, minetest.colorize(SOFT, ai_line))
		end
		minetest.chat_send_player(name, minetest.colorize(VOICE, settings.name .. ": ") .. line)
		if type(why) == "table" and why[1] then
			minetest.chat_send_player(name, minetest.colorize(SOFT, "  Why? " .. table.concat(why, " ")))
		end
	end
	visits.speak = speak

	local function take_grants(visit, granted)
		if type(granted) ~= "table" then
			return
		end
		visit.grants = {}
		for kind, seconds in pairs(granted) do
			visit.grants[kind] = now() + (tonumber(seconds) or 0)
		end
	end

	-- True once for every grant; speaking unasked without one does not happen.
	local function use_grant(visit, kind)
		local ends = visit.grants[kind]
		visit.grants[kind] = nil
		return ends ~= nil and ends > now() and now() >= visit.quiet_until and not visit.just_looking
	end

	local function send(visit, frame, on_answer)
		frame.i = frame.i or pseudonyms.frame_id()
		door.send(visit, frame, on_answer)
	end

	local function take_quiet(visit, seconds)
		visit.quiet_until = math.max(visit.quiet_until, now() + (tonumber(seconds) or 0))
	end

	local function report(visit, outcome)
		local step = visit.step
		visit.step = nil
		if step then
			send(visit, { op = "act", ref = step.ref, r = outcome }, function(answer)
				take_grants(visit, answer.g)
				take_quiet(visit, answer.quiet)
			end)
		end
	end

	local function carry_out(visit, action)
		take_quiet(visit, action.quiet)
		local why = type(action.why) == "table" and action.why or {}
		if action.say and action.say ~= "" then
			speak(visit, action.say, action.act == "show" and why or nil)
		else
			-- Nothing to offer: whoever asked is told the reason.
			speak(visit, why[1])
		end
		if action.act == "show" and action.ref then
			if visit.step then
				report(visit, "ignored")
			end
			visit.step = { ref = action.ref, item = action.item, at = now() }
		elseif action.ref then
			send(visit, { op = "act", ref = action.ref, r = "done" })
		end
	end

	local function greet(visit)
		local action = visit.first
		if visit.greeted or not visit.is_near or not action or action.act ~= "say" then
			return
		end
		if use_grant(visit, "greet") then
			visit.greeted = true
			carry_out(visit, action)
		end
	end

	local function suggest(visit)
		if visit.is_near and use_grant(visit, "suggest") then
			send(visit, { op = "ask", k = "rec", unasked = true }, function(action)
				-- Why it has nothing to say is only for those who asked.
				if action.act == "show" or action.act == "say" then
					carry_out(visit, action)
				end
			end)
		end
	end

	local function opened(visit, answer)
		visit.token = answer.s
		visit.opened_at = now()
		visit.ai_line = answer.ai
		visit.known = answer.p
		visit.first = type(answer.n) == "table" and answer.n or nil
		take_grants(visit, answer.g)
		greet(visit)
	end

	local function open(visit)
		visit.is_opening = true
		local frame = {
			op = "open",
			i = visit.id,
			v = visit.handle,
			cap = { max = 4000, say = settings.say },
			lang = visit.lang,
		}
		frame.w = settings.world ~= "" and settings.world or nil
		frame.a = settings.avatar ~= "" and settings.avatar or nil
		send(visit, frame, function(answer)
			visit.is_opening = false
			opened(visit, answer)
		end)
	end

	local function reopen(visit)
		if not visit.is_opening then
			visit.token = nil
			visit.id = pseudonyms.frame_id()
			open(visit)
		end
	end
	door.on_visit_gone = reopen

	local function language(player_name)
		local known = minetest.get_player_information(player_name)
		local code = known and known.lang_code or ""
		return code:match("^%a%a$") and code:lower() or nil
	end

	-- The visit of a player who is here; opened when there is none.
	function visits.of(player_name)
		local visit = by_name[player_name]
		if not visit then
			visit = {
				player_name = player_name,
				handle = pseudonyms.visitor(player_name),
				id = pseudonyms.frame_id(),
				lang = language(player_name),
				grants = {},
				quiet_until = 0,
			}
			by_name[player_name] = visit
			open(visit)
		elseif visit.token and now() - visit.opened_at > TOKEN_AGE then
			reopen(visit)
		end
		return visit
	end

	function visits.observe(player_name, event, item)
		local visit = visits.of(player_name)
		if event == "bought" then
			ai.plays.count(player_name, "trades")
		end
		send(visit, { op = "obs", e = event, ref = item }, function(answer)
			take_grants(visit, answer.g)
			suggest(visit)
		end)
		if visit.step and item and visit.step.item == item and (event == "tried" or event == "bought") then
			report(visit, "done")
		end
	end

	function visits.ask(player_name, question, kind)
		local visit = visits.of(player_name)
		visit.just_looking = false
		if question ~= "" then
			-- Neither a command nor a line that is kept from the others shows up in the visitor's own chat.
			minetest.chat_send_player(player_name, minetest.colorize(VOICE, "You to " .. settings.name .. ": ") .. question)
		end
		send(visit, { op = "ask", q = question ~= "" and question:sub(1, 400) or nil, k = kind }, function(action)
			carry_out(visit, action)
		end)
	end

	-- "No, thank you": the suggestion is refused, or whatever the avatar does is waved away.
	function visits.refuse(player_name)
		local visit = visits.of(player_name)
		if visit.step then
			return report(visit, "refused")
		end
		send(visit, { op = "obs", e = "dismissed" })
	end

	-- The avatar steps back: nothing unasked for the rest of the visit.
	function visits.leave_alone(player_name)
		local visit = visits.of(player_name)
		visit.just_looking = true
		visit.grants = {}
		if visit.step then
			report(visit, "stopped")
		end
		send(visit, { op = "obs", e = "dismissed" })
	end

	-- Gives and takes purposes; afterwards the same visit is seen anew under what is allowed now.
	function visits.consent(player_name, give, take, on_done)
		local visit = visits.of(player_name)
		local frame = { op = "con", give = give, take = take, lang = visit.lang }
		send(visit, frame, function(answer)
			on_done(visit, answer)
			visit.grants = {}
			open(visit)
		end)
	end

	function visits.forget(player_name, on_done)
		local visit = visits.of(player_name)
		visit.step = nil
		send(visit, { op = "fgt" }, function(answer)
			on_done(visit, answer)
		end)
	end

	local function close(player_name)
		local visit, played = by_name[player_name], ai.plays.take(player_name)
		by_name[player_name] = nil
		if not visit then
			return
		end
		-- The name goes with the player; what still waits is sent under the pseudonym.
		visit.player_name = nil
		door.abandon(visit)
		if visit.token then
			send(visit, { op = "obs", e = "left" })
			send(visit, { op = "play", n = played })
			send(visit, { op = "close" })
		end
	end

	local function come_near(visit, is_near)
		if is_near and not visit.is_near then
			visit.is_near = true
			greet(visit)
		elseif not is_near and visit.is_near then
			visit.is_near = false
		end
	end

	local function look_around()
		local here = ai.figure.position()
		for _, player in ipairs(minetest.get_connected_players()) do
			local name = player:get_player_name()
			local is_near = here and vector.distance(player:get_pos(), here) <= settings.reach
			local visit = by_name[name]
			if is_near and not visit then
				visit = visits.of(name)
			end
			if visit then
				come_near(visit, is_near)
				if visit.step and now() - visit.step.at > IGNORED_AFTER then
					report(visit, "ignored")
				end
			end
		end
	end

	-- What must arrive outlives a restart of the server: the visits of then are taken up again, without the players.
	local function take_up()
		local kept = minetest.parse_json(settings.storage:get("unsent") or "[]") or {}
		settings.storage:set_string("unsent", "")
		local taken = {}
		for _, each in ipairs(kept) do
			local visit = taken[each.handle]
			if not visit then
				visit = { handle = each.handle, id = pseudonyms.frame_id(), grants = {}, quiet_until = 0 }
				visit.token, visit.opened_at = each.token, now()
				taken[each.handle] = visit
				if not visit.token then
					open(visit)
				end
			end
			door.send(visit, each.frame, nil, os.time() - each.at)
		end
	end
	minetest.after(0, take_up)
	minetest.register_on_shutdown(function()
		local kept = door.unsent()
		if kept[1] then
			settings.storage:set_string("unsent", minetest.write_json(kept))
		end
	end)

	local since = 0
	minetest.register_globalstep(function(seconds)
		since = since + seconds
		if since >= 0.5 then
			since = 0
			look_around()
		end
	end)
	minetest.register_on_leaveplayer(function(player)
		close(player:get_player_name())
	end)
	return visits
end
