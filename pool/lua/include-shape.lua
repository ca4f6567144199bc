-- The newest shape of a pool that the scripts understand; a pool without the field has shape 1.
-- runtime/stored-shape.ts has the same number.
local SHAPE_MAX = 2

-- Ends the script, before its first write, where a newer program has made the pool.
local function demand_understood(shape)
  if shape and tonumber(shape) > SHAPE_MAX then
    error({ err = 'NEWERSHAPE the pool has shape ' .. shape .. '; this program reads up to ' .. SHAPE_MAX })
  end
end
