-- What the street is built of.

local SOLID = {
	cobbles = "Cobbles",
	grass = "Grass",
	brick = "Brick",
	planks = "Planks",
	beam = "Beam",
	plaster = "Plaster",
	bark = "Oak trunk",
	awning = "Awning",
	sign = "The sign of the oak leaf",
}

for name, description in pairs(SOLID) do
	minetest.register_node("oak_street:" .. name, {
		description = description,
		tiles = { "oak_street_" .. name .. ".png" },
	})
end

minetest.register_node("oak_street:leaves", {
	description = "Oak leaves",
	drawtype = "allfaces_optional",
	tiles = { "oak_street_leaves.png" },
	paramtype = "light",
	sunlight_propagates = true,
})

minetest.register_node("oak_street:glass", {
	description = "Shop window",
	drawtype = "glasslike_framed_optional",
	tiles = { "oak_street_glass.png" },
	use_texture_alpha = "blend",
	paramtype = "light",
	sunlight_propagates = true,
})

minetest.register_node("oak_street:lamp", {
	description = "Street lamp",
	drawtype = "nodebox",
	node_box = { type = "fixed", fixed = { -0.25, -0.5, -0.25, 0.25, 0.25, 0.25 } },
	tiles = { "oak_street_lamp.png" },
	paramtype = "light",
	sunlight_propagates = true,
	light_source = 13,
})

minetest.register_node("oak_street:post", {
	description = "Post",
	drawtype = "nodebox",
	node_box = { type = "fixed", fixed = { -0.08, -0.5, -0.08, 0.08, 0.5, 0.08 } },
	tiles = { "oak_street_beam.png" },
	paramtype = "light",
	sunlight_propagates = true,
})

minetest.register_node("oak_street:awning_slope", {
	description = "Awning",
	drawtype = "nodebox",
	node_box = { type = "fixed", fixed = { -0.5, 0.05, -0.5, 0.5, 0.2, 0.5 } },
	tiles = { "oak_street_awning.png" },
	paramtype = "light",
	sunlight_propagates = true,
})

-- The engine wants to know what a map is made of even where nothing is made.
minetest.register_alias("mapgen_stone", "oak_street:cobbles")
minetest.register_alias("mapgen_water_source", "air")
minetest.register_alias("mapgen_river_water_source", "air")
