-- The queue to the adapter: batches, one request at a time, bounded, patient when the adapter is away.

local MAY_GO = { seen = true, talked = true, left = true }
local MUST_ARRIVE = { bought = true, dismissed = true, removed = true }
local ROOM = 16000
-- Seconds; the adapter takes nothing older.
local OLDEST = 86400
-- The adapter could not now, and may later.
local TRY_AGAIN = { UNAVAILABLE = true, EXHAUSTED = true, DEADLINE = true, INTERNAL = true }
local VISIT_GONE = { VISIT_EXPIRED = true, VISIT_UNKNOWN = true }

-- 0 goes first when the queue is full; 2 is never dropped.
local function rank(frame)
	if frame.op == "con" or frame.op == "fgt" or MUST_ARRIVE[frame.e] then
		return 2
	end
	return MAY_GO[frame.e] and 0 or 1
end

return function(http, settings)
	local door = { limits = { rps = 10, batch = 16 }, on_visit_gone = function() end }
	local queue = {}
	local in_flight = false
	local pause, next_at = 0, 0

	local function now()
		return minetest.get_us_time() / 1000000
	end

	local function drop_lowest()
		local place, lowest
		for index, entry in ipairs(queue) do
			if not entry.sent and entry.rank < 2 and (not lowest or entry.rank < lowest) then
				place, lowest = index, entry.rank
			end
		end
		if place then
			table.remove(queue, place)
		end
	end

	-- Queues a frame of a visit, of something that happened `ago` seconds before now. `on_answer(answer)` is called once
	-- with the adapter's answer, or never.
	function door.send(visit, frame, on_answer, ago)
		if not http or settings.token == "" then
			return
		end
		if #queue >= settings.queue then
			drop_lowest()
		end
		if #queue >= settings.queue and rank(frame) < 2 then
			return
		end
		queue[#queue + 1] = {
			visit = visit,
			frame = frame,
			rank = rank(frame),
			at = now() - (ago or 0),
			on_answer = on_answer or function() end,
		}
	end

	-- Forgets what waits for a visit that is over, but for what must arrive and the open that it needs.
	function door.abandon(visit)
		local is_needed = false
		for _, entry in ipairs(queue) do
			is_needed = is_needed or (entry.visit == visit and entry.rank == 2)
		end
		for index = #queue, 1, -1 do
			local entry = queue[index]
			local may_stay = entry.rank == 2 or (is_needed and entry.frame.op == "open")
			if entry.visit == visit and not may_stay and not entry.sent then
				table.remove(queue, index)
			end
		end
	end

	-- What must arrive and has not, for keeping over a restart of the server. No name is in it.
	function door.unsent()
		local kept = {}
		for _, entry in ipairs(queue) do
			if entry.rank == 2 then
				kept[#kept + 1] = {
					handle = entry.visit.handle,
					token = entry.visit.token,
					frame = entry.frame,
					at = os.time() - math.floor(now() - entry.at),
				}
			end
		end
		return kept
	end

	-- How many frames wait; for other mods and for tests.
	function door.waiting()
		return #queue
	end

	local function is_stale(entry, time)
		return entry.frame.op == "ask" and not entry.sent and time - entry.at > settings.patience
	end

	local function next_batch(time)
		local batch = {}
		for index = #queue, 1, -1 do
			if is_stale(queue[index], time) then
				table.remove(queue, index)
			end
		end
		for _, entry in ipairs(queue) do
			if entry.frame.op == "open" or entry.visit.token then
				batch[#batch + 1] = entry
			end
			if #batch >= math.min(16, door.limits.batch) then
				break
			end
		end
		return batch
	end

	local function body(batch, time)
		local frames = {}
		for index, entry in ipairs(batch) do
			local frame = table.copy(entry.frame)
			if frame.op ~= "open" then
				frame.s = entry.visit.token
			end
			if frame.op == "obs" then
				frame.dt = math.min(OLDEST, math.max(0, time - entry.at))
			end
			frames[index] = frame
		end
		return minetest.write_json({ max = ROOM, b = frames })
	end

	local function remove(entry)
		for index, queued in ipairs(queue) do
			if queued == entry then
				table.remove(queue, index)
				return
			end
		end
	end

	local function wait_longer()
		pause = math.min(settings.pause, math.max(1, pause * 2))
		next_at = now() + pause
	end

	local function take_limits(lim)
		if type(lim) == "table" then
			door.limits.rps = math.max(0.1, tonumber(lim.rps) or door.limits.rps)
			door.limits.batch = math.max(1, tonumber(lim.batch) or door.limits.batch)
		end
	end

	local function take_answer(entry, answer)
		take_limits(answer.lim)
		local code = type(answer.err) == "table" and answer.err.code
		if code and TRY_AGAIN[code] then
			return true
		end
		if code and VISIT_GONE[code] then
			door.on_visit_gone(entry.visit)
			-- A question is not asked twice behind the visitor's back.
			if entry.rank < 1 or entry.frame.op == "ask" or entry.tried then
				remove(entry)
			end
			entry.tried = true
			return false
		end
		remove(entry)
		if code then
			minetest.log("warning", "[maskenball] " .. entry.frame.op .. " refused: " .. code .. " " .. (answer.err.field or ""))
		else
			entry.on_answer(answer)
		end
		return false
	end

	local function take_answers(batch, answers)
		local by_id, must_wait = {}, false
		for _, answer in ipairs(answers) do
			if answer.i then
				by_id[answer.i] = answer
			end
		end
		for _, entry in ipairs(batch) do
			local answer = by_id[entry.frame.i]
			if answer and take_answer(entry, answer) then
				must_wait = true
			end
		end
		if must_wait then
			wait_longer()
		else
			pause = 0
		end
	end

	-- What the adapter will never take must not stand in the way of the rest for ever.
	local function drop_refused(batch, code)
		minetest.log("error", "[maskenball] the adapter refused a request with status " .. code)
		for _, entry in ipairs(batch) do
			remove(entry)
		end
	end

	local function finish(batch, result)
		in_flight = false
		for _, entry in ipairs(batch) do
			entry.sent = false
		end
		local said = result.code == 200 and minetest.parse_json(result.data or "")
		if type(said) == "table" then
			take_limits(said.lim)
			if type(said.b) == "table" then
				return take_answers(batch, said.b)
			end
			return wait_longer()
		end
		if result.code == 400 or result.code == 413 then
			return drop_refused(batch, result.code)
		end
		if result.code == 401 or result.code == 403 then
			minetest.log("error", "[maskenball] the adapter does not accept maskenball_token")
		end
		-- Away, slow or full: players see nothing of it, the queue keeps what it may.
		wait_longer()
	end

	local function step()
		local time = now()
		if in_flight or #queue == 0 or time < next_at then
			return
		end
		local batch = next_batch(time)
		if #batch == 0 then
			return
		end
		for _, entry in ipairs(batch) do
			entry.sent = true
		end
		in_flight = true
		next_at = time + 1 / door.limits.rps
		http.fetch({
			url = settings.url,
			method = "POST",
			timeout = settings.timeout,
			data = body(batch, time),
			extra_headers = { "Content-Type: application/json", "Authorization: Bearer " .. settings.token },
		}, function(result)
			finish(batch, result)
		end)
	end

	if http then
		minetest.register_globalstep(step)
	end
	return door
end
