-- slurmctld.lua: calls one hook of burst_buffer.lua as slurmctld does.
--
-- usage: LUA slurmctld.lua SCRIPT VERSION HOOK [NAME=VALUE]...
--
-- VERSION is 21.08, 23.02 or 24.05 and says which arguments the hook gets and
-- what is in the table `slurm`. The values are job, script, uid, gid, hurry,
-- path, task (of an array) and cluster (its name); words behind "--" are those
-- of get_status. What the hook returned is printed as "CODE" and, when there is
-- one, its text on the next lines; what it logged goes to standard error. Exits
-- 70 where slurmctld would complain of the script: a hook is missing, a return
-- value is of the wrong kind.
--
-- A process is a fresh state, as each call has in slurmctld. With times=N the
-- script is loaded and the hook called N times in one, to measure it.
-- Source: Slurm, src/plugins/burst_buffer/lua, tags 21-08-8-2, 23-02-7-1,
-- 24-05-4-1.

local path, version, hook = arg[1], arg[2], arg[3]
local unpack_list = table.unpack or unpack

local function complain(...)
	io.stderr:write("slurmctld: ", string.format(...), "\n")
	os.exit(70)
end

local given, words = { job = "1", uid = "1001", gid = "100", hurry = "false", times = "1" }, {}
local in_words = false
for n = 4, #arg do
	local name, value = arg[n]:match("^(%l+)=(.*)$")

	if in_words then
		words[#words + 1] = arg[n]
	elseif arg[n] == "--" then
		in_words = true
	elseif name then
		given[name] = value
	else
		complain("wrong argument '%s'", arg[n])
	end
end

local polled = version == "24.05"
local owner = version ~= "21.08" and { given.uid, given.gid } or {}
local job_info = setmetatable({}, { __index = function(_, key)
	return ({ job_id = tonumber(given.job), user_id = tonumber(given.uid),
		array_task_id = tonumber(given.task or "4294967294") })[key]
end })

-- "owner" stands for uid and gid, "info" for job_info; both from 23.02 on.
local ARGUMENTS = {
	slurm_bb_job_process = { given.script, "owner", "info" },
	slurm_bb_pools = {},
	slurm_bb_job_teardown = { given.job, given.script, given.hurry, "owner" },
	slurm_bb_setup = { given.job, given.uid, given.gid, "(null)", "0", given.script, "info" },
	slurm_bb_data_in = { given.job, given.script, "owner", "info" },
	slurm_bb_real_size = { given.job, "owner", "info" },
	slurm_bb_paths = { given.job, given.script, given.path, "owner", "info" },
	slurm_bb_pre_run = { given.job, given.script, "owner", "info" },
	slurm_bb_post_run = { given.job, given.script, "owner", "info" },
	slurm_bb_data_out = { given.job, given.script, "owner", "info" },
	slurm_bb_get_status = { "owner", "words" },
}
if polled then
	ARGUMENTS.slurm_bb_test_data_in = ARGUMENTS.slurm_bb_data_in
	ARGUMENTS.slurm_bb_test_data_out = ARGUMENTS.slurm_bb_data_out
end

local function arguments(list)
	local flat = {}

	for _, item in ipairs(list) do
		for _, word in ipairs(item == "owner" and owner or item == "words" and words or
			item == "info" and (version ~= "21.08" and { job_info } or {}) or { item }) do
			flat[#flat + 1] = word
		end
	end
	return flat
end

local function logger(level)
	-- As Slurm's: the first argument is a format.
	return function(...)
		io.stderr:write(level, ": ", string.format(...), "\n")
	end
end

-- Slurm pushes numbers as doubles.
slurm = { SUCCESS = tonumber("0.0"), ERROR = tonumber("-1.0"), FAILURE = tonumber("-1.0") }
for _, level in ipairs({ "error", "info", "verbose", "debug", "debug2", "debug3", "debug4" }) do
	slurm["log_" .. level] = logger(level)
end
if polled then
	slurm.SLURM_BB_BUSY = "BUSY"
end
slurm.CLUSTER_NAME = given.cluster

local before = {}
for name in pairs(_G) do
	before[name] = true
end
local loaded, why = loadfile(path)
if not loaded then
	complain("%s", why)
end
local code = loaded()
if code ~= nil and tonumber(code) ~= 0 then
	complain("the script returned %s", tostring(code))
end
for name, value in pairs(_G) do
	if not before[name] and not (type(value) == "function" and name:find("^slurm_bb_")) then
		complain("the script left the global '%s'", name)
	end
end
for name in pairs(ARGUMENTS) do
	if type(_G[name]) ~= "function" then
		complain("missing required function %s", name)
	end
end
if not ARGUMENTS[hook] then
	complain("Slurm %s has no hook '%s'", version, hook)
end

local function pack(...)
	return { n = select("#", ...), ... }
end

local results
for _ = 1, tonumber(given.times) do
	loadfile(path)()
	results = pack(_G[hook](unpack_list(arguments(ARGUMENTS[hook]))))
end
if results.n > 0 and type(results[1]) ~= "number" then
	complain("%s returned a code that is no number", hook)
elseif results.n > 1 and type(results[2]) ~= "string" then
	complain("%s returned a second value that is no string", hook)
end
io.write(string.format("%d\n", results[1] or 0), results[2] or "", results[2] and "\n" or "")
