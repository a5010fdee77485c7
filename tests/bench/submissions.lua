-- SPDX-License-Identifier: GPL-3.0-or-later
-- wrk: KOOS submissions of site SITE, each with an id and a record of its own.  Subjects 1 to 256 are enrolled before.
local site = tonumber(os.getenv("SITE"))
sent, other = 0, 0
local items = {}
for _, scale in ipairs({{"s", 7}, {"p", 9}, {"a", 17}, {"sp", 5}, {"q", 4}}) do
    for i = 1, scale[2] do items[#items + 1] = string.format('"%s%d":%d', scale[1], i, (#items * 3) % 5) end
end
local answers = table.concat(items, ",")
local start = os.time() * 1000

wrk.method = "POST"
wrk.path = "/api/v1/studies/demo/submissions"
wrk.headers["Authorization"] = "Bearer coordinator"
wrk.headers["Content-Type"] = "application/json"

function request()
    local record = math.floor(sent / 512)
    local ms = start + math.floor(sent / 8)
    wrk.body = string.format(
        '{"id":"%08x-%04x-7%03x-8%03x-%012x","subject":"%02d-%04d","knee":"%s","form":"koos","form_version":1,' ..
        '"visit":"unscheduled","instance":%d,"date":"2024-02-02","answers":{%s}}',
        math.floor(ms / 65536), ms % 65536, sent % 4096, site, sent, site, sent % 256 + 1,
        math.floor(sent / 256) % 2 == 0 and "left" or "right", record + 1, answers)
    sent = sent + 1
    return wrk.format()
end

function response(status)
    if status ~= 201 then other = other + 1 end
end

-- The only thread's count goes through its environment.
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function init() end
function done()
    for _, thread in ipairs(threads) do print("other " .. (thread:get("other") or "?")) end
end
