-- Loads a burst_buffer.lua as slurmctld does, and says whether it could be
-- used: `lua load.lua SCRIPT POLLED HOOK...`. Runs in an interpreter of this
-- host, or in the one that dws-csm carries. The answer is lines of WORD TEXT:
--
--   version Lua 5.1     always the first
--   error TEXT          it cannot be loaded
--   missing HOOK        slurmctld would not start
--   settings TEXT       the script refuses its settings
--   done                the last

local write, open = io.write, io.open
local script, polled = arg[1], arg[2] == "polled"

local function tell(word, text)
	text = text and " " .. tostring(text):gsub("[%c\127]+", " ") or ""
	write(word, text, "\n")
end

tell("version", rawget(_G, "jit") and "luajit" or _VERSION)

-- It is loaded, not used: nothing is run, and no file written.
local function withheld()
	error("not while it is only looked at", 0)
end

for _, name in ipairs({ "execute", "exit", "remove", "rename", "tmpname" }) do
	os[name] = withheld
end
io.popen, io.write, print = withheld, withheld, withheld
io.open = function(path, mode)
	if mode and not mode:find("^rb?$") then
		withheld()
	end
	return open(path, mode)
end

local function silent() end

slurm = {
	SUCCESS = 0, ERROR = -1, FAILURE = -1,
	log_error = silent, log_info = silent, log_user = silent,
	log_verbose = silent, log_debug = silent, log_debug2 = silent,
	log_debug3 = silent, log_debug4 = silent, error = silent,
	SLURM_BB_BUSY = polled and "BUSY" or nil,
}

local chunk, why = loadfile(script)
local ok = chunk ~= nil

if chunk then
	ok, why = pcall(chunk)
end
if not ok then
	tell("error", why)
else
	for n = 3, #arg do
		if type(_G[arg[n]]) ~= "function" then
			tell("missing", arg[n])
		end
	end
end
-- Without words it has nothing to ask of the server, but reads its settings.
if ok and type(slurm_bb_get_status) == "function" then
	local called, code, text = pcall(slurm_bb_get_status)

	if not called or code ~= slurm.SUCCESS then
		tell("settings", called and text or code)
	end
end
tell("done")
