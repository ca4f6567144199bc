-- Where a user may have several coupons, up to `most`: the claims of users by their places, 1 to `most`. A
-- claim is bound under the field user .. SEPARATOR .. place, and its value ends with the request id. So a user
-- cannot have more claims than there are places, and a repeated request finds its own.
-- keys: claim keys, each of a user, SEPARATOR and a request id; users: the user of each; pseudonyms: the same
--   of each key, where the campaign has erased users. A place is bound under the user or under the pseudonym.
-- Reply known (by ask: 'code generation-seq ms request id' of its claim), places (by ask: the place of its
--   claim, or a free one, not yet bound, that no other ask of this call has; false: none is free), full (by
--   ask: all places of the user were bound before this call), erased (as known, of claims under pseudonyms)
local SEPARATOR = '\31'
local function request_of(value)
  return value and string.match(value, '^%S+ %S+ %S+ (.*)$')
end
local function places_of(claims_key, keys, users, most, pseudonyms)
  local known, places, full, erased, by_user, by_key = {}, {}, {}, {}, {}, {}
  local function bound_under(user, by_request)
    local fields = {}
    for place = 1, most do fields[place] = user .. SEPARATOR .. place end
    local values = redis.call('HMGET', claims_key, unpack(fields))
    for place = 1, most do
      local request = request_of(values[place])
      if request then by_request[request] = place end
    end
    return values
  end
  for i, user in ipairs(users) do
    local mine = by_user[user]
    if not mine then
      mine = { free = {}, next = 1, by_request = {}, by_erased = {}, erased = {} }
      mine.values = bound_under(user, mine.by_request)
      if pseudonyms then
        mine.pseudonym = string.match(pseudonyms[i], '^[^' .. SEPARATOR .. ']*')
        mine.erased = bound_under(mine.pseudonym, mine.by_erased)
      end
      for place = 1, most do
        if not mine.values[place] and not mine.erased[place] then mine.free[#mine.free + 1] = place end
      end
      by_user[user] = mine
    end
    local place = mine.by_request[string.sub(keys[i], #user + #SEPARATOR + 1)]
    local before = pseudonyms and mine.by_erased[string.sub(pseudonyms[i], #mine.pseudonym + #SEPARATOR + 1)]
    if place then
      known[i], places[i] = mine.values[place], place
    elseif before then
      erased[i], places[i] = mine.erased[before], before
    elseif by_key[keys[i]] then
      places[i] = by_key[keys[i]]
    else
      full[i] = #mine.free == 0
      places[i] = mine.free[mine.next] or false
      if places[i] then by_key[keys[i]] = places[i] end
      mine.next = mine.next + 1
    end
  end
  return known, places, full, erased
end
