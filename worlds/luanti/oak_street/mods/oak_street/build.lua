-- Puts the street together, block by block.

local build = { from = vector.new(-16, -2, -16), to = vector.new(16, 12, 16) }

local function put(x, y, z, name, param2)
	minetest.set_node({ x = x, y = y, z = z }, { name = "oak_street:" .. name, param2 = param2 or 0 })
end

local function fill(x1, y1, z1, x2, y2, z2, name)
	for x = x1, x2 do
		for y = y1, y2 do
			for z = z1, z2 do
				put(x, y, z, name)
			end
		end
	end
end

local function ground()
	fill(-16, 0, -16, 16, 0, 16, "grass")
	fill(-16, 0, -4, 16, 0, 3, "cobbles")
	fill(-2, 0, -16, 2, 0, -4, "cobbles")
end

local function oak(x, z, height)
	fill(x, 1, z, x, height, z, "bark")
	for dx = -2, 2 do
		for dy = -2, 2 do
			for dz = -2, 2 do
				if dx * dx + dy * dy + dz * dz <= 6 then
					local pos = { x = x + dx, y = height + 1 + dy, z = z + dz }
					if minetest.get_node(pos).name == "air" then
						put(pos.x, pos.y, pos.z, "leaves")
					end
				end
			end
		end
	end
end

local function shop()
	fill(-6, 1, 4, 6, 1, 10, "brick")
	fill(-5, 1, 5, 5, 4, 9, "planks")
	fill(-6, 2, 4, 6, 4, 10, "plaster")
	-- Hollow, with a wooden floor and a way in.
	for x = -5, 5 do
		for z = 5, 9 do
			for y = 1, 4 do
				minetest.remove_node({ x = x, y = y, z = z })
			end
			put(x, 0, z, "planks")
		end
		put(x, 0, 4, "planks")
	end
	for _, x in ipairs({ -6, -2, 2, 6 }) do
		fill(x, 1, 4, x, 4, 4, "beam")
	end
	fill(-6, 5, 4, 6, 5, 10, "beam")
	fill(-5, 6, 5, 5, 6, 9, "brick")
	fill(-5, 2, 4, -3, 3, 4, "glass")
	fill(3, 2, 4, 5, 3, 4, "glass")
	for x = -1, 1 do
		for y = 1, 3 do
			minetest.remove_node({ x = x, y = y, z = 4 })
		end
	end
	fill(-6, 4, 3, 6, 4, 3, "awning_slope")
	put(0, 5, 3, "sign")
	put(-3, 1, 7, "lamp")
	put(3, 1, 7, "lamp")
	put(0, 4, 8, "lamp")
end

local function lantern(x, z)
	fill(x, 1, z, x, 3, z, "post")
	put(x, 4, z, "lamp")
end

local function shelves(count)
	local places = { -5, -4, -3, 3, 4, 5 }
	for number = 1, math.min(count, 6) do
		put(places[number], 1, 3, "shelf_" .. number, 0)
	end
	for number = 7, math.min(count, 8) do
		put(number == 7 and -4 or 4, 2, 3, "shelf_" .. number, 0)
	end
end

function build.street(count)
	ground()
	shop()
	shelves(count)
	oak(-10, 6, 5)
	oak(10, 7, 6)
	oak(-9, -8, 5)
	oak(9, -9, 5)
	oak(-13, 12, 6)
	oak(13, 13, 5)
	lantern(-7, -3)
	lantern(7, -3)
end

return build
