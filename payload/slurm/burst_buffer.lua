-- burst_buffer.lua: the workflows of DataWorkflowServices (DWS) for the jobs of
-- Slurm.
--
-- slurmctld loads this file anew for each call of a hook (slurm_bb_...), so
-- nothing is kept here from one call to the next: what is known of a job is
-- its Workflow, bb<job id>, in the Kubernetes cluster. Every hook begins by
-- looking at it, and goes on from there. That is why a restart of slurmctld or
-- a requeue in the middle loses nothing.
--
--   hook               what it does
--   job_process        checks the #DW lines; the server tries them (dry run)
--   setup              creates the Workflow; Proposal, Setup
--   data_in            DataIn; from Slurm 24.05 on test_data_in waits for it
--   paths              the Workflow's variables become the job's
--   pre_run, post_run  PreRun, PostRun
--   data_out           DataOut; from Slurm 24.05 on test_data_out waits for it
--   job_teardown       Teardown; then the Workflow is deleted
--   get_status         scontrol show bbstat workflow JOBID
--
-- Settings are in dws-burst-buffer.conf beside this file; Slurm's own timeouts
-- are read from burst_buffer.conf there. Works with Slurm 21.08 and later, and
-- with Lua 5.1 to 5.4 and LuaJIT. Other programs needed: sh, mktemp, timeout,
-- sleep, dws-csm or kubectl, scancel.
--
-- Text of users reaches a program in one way only: as JSON in a private file.
-- Command lines are made of fixed words, of the settings and of job ids; each
-- word is quoted by shell_quote. Slurm's log functions take a format, so they
-- get text as an argument only ("%" is the user's).

local slurm = slurm

local GROUP = "dataworkflowservices.github.io"

-- Label of our Workflows. Those of the plugin that DWS offers carry the same:
-- jobs that it began are ended by this one.
local ORIGIN = "burst_buffer.lua"
local CLUSTER_LABEL = "dws-csm.io/slurm-cluster"

local STATES = { "Proposal", "Setup", "DataIn", "PreRun", "PostRun", "DataOut", "Teardown" }
local ORDER = {}
for number, state in ipairs(STATES) do
	ORDER[state] = number
end

-- Limits on what a job may bring, far above what anybody needs.
local MAX_BLOCK_BYTES = 1024 * 1024 -- comment block at the top of a script
local MAX_DIRECTIVE_BYTES = 64 * 1024 -- all #DW lines together
local MAX_ANSWER_BYTES = 8 * 1024 * 1024
local MAX_JSON_DEPTH = 64
local MAX_ID = 2147483647 -- userID and groupID are int32

local AWAY_SECONDS = 60 -- no trial after one that found no server

--- text ----------------------------------------------------------------------

-- One line of printable text for logs and messages.
local function clean(text, max_bytes)
	max_bytes = max_bytes or 400
	text = tostring(text):gsub("[%c\127]+", " "):gsub("^ +", ""):gsub(" +$", "")
	if #text > max_bytes then
		text = text:sub(1, max_bytes) .. "..."
	end
	return text
end

local function is_utf8(text)
	local at = text:find("[\128-\255]")

	while at do
		local lead, second = text:byte(at, at + 1)
		local tail, low, high = nil, 0x80, 0xBF

		if lead >= 0xC2 and lead <= 0xDF then
			tail = 1
		elseif lead >= 0xE0 and lead <= 0xEF then
			tail = 2
			-- Neither overlong nor surrogates.
			low = lead == 0xE0 and 0xA0 or low
			high = lead == 0xED and 0x9F or high
		elseif lead >= 0xF0 and lead <= 0xF4 then
			tail = 3
			low = lead == 0xF0 and 0x90 or low
			high = lead == 0xF4 and 0x8F or high
		end
		if not tail or not second or second < low or second > high then
			return false
		end
		for n = 2, tail do
			local byte = text:byte(at + n)

			if not byte or byte < 0x80 or byte > 0xBF then
				return false
			end
		end
		at = text:find("[\128-\255]", at + tail + 1)
	end
	return true
end

-- One word of a command line, whatever it holds.
local function shell_quote(word)
	word = tostring(word)
	if word:find("\0", 1, true) or word:find("\n", 1, true) then
		error("a word of a command holds a line break or NUL", 0)
	end
	return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function shell_line(words)
	local quoted = {}

	for n, word in ipairs(words) do
		quoted[n] = shell_quote(word)
	end
	return table.concat(quoted, " ")
end

--- JSON (RFC 8259) -----------------------------------------------------------

-- Arrays carry array_mt, so that an empty one stays one; numbers that a double
-- might change are kept as they were written, with raw_mt: an object goes back
-- to the server as it came but for what we set.
local json = { null = setmetatable({}, { __tostring = function() return "null" end }) }
local array_mt, raw_mt = {}, {}

function json.array(list)
	return setmetatable(list, array_mt)
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

local function encode_string(text)
	if not is_utf8(text) then
		error("text is not UTF-8", 0)
	end
	return '"' .. text:gsub('[%c"\\\127]', function(char)
		return ESCAPES[char] or ("\\u%04x"):format(char:byte())
	end) .. '"'
end

function json.encode(value)
	local kind, parts = type(value), {}

	if value == json.null then
		return "null"
	elseif kind == "string" then
		return encode_string(value)
	elseif kind == "boolean" then
		return tostring(value)
	elseif kind == "number" then
		if value % 1 ~= 0 or value > 1e15 or value < -1e15 then
			error("number is no integer", 0)
		end
		return ("%.0f"):format(value)
	elseif kind ~= "table" then
		error("cannot encode a " .. kind, 0)
	elseif getmetatable(value) == raw_mt then
		return value.text
	elseif getmetatable(value) == array_mt then
		for n, item in ipairs(value) do
			parts[n] = json.encode(item)
		end
		return "[" .. table.concat(parts, ",") .. "]"
	end
	for key, item in pairs(value) do
		parts[#parts + 1] = encode_string(key) .. ":" .. json.encode(item)
	end
	table.sort(parts)
	return "{" .. table.concat(parts, ",") .. "}"
end

local function bad_json(at, what)
	error(("not JSON: %s at byte %d"):format(what, at), 0)
end

local function utf8_char(code)
	local char = string.char

	if code < 0x80 then
		return char(code)
	elseif code < 0x800 then
		return char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
	elseif code < 0x10000 then
		return char(0xE0 + math.floor(code / 0x1000),
			0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
	end
	return char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
		0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local UNESCAPES = {
	['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function decode_unicode(text, at)
	local hex = text:match("^%x%x%x%x", at)
	local code = hex and tonumber(hex, 16)

	if not code or (code >= 0xDC00 and code <= 0xDFFF) then
		bad_json(at, "wrong \\u")
	end
	at = at + 4
	if code >= 0xD800 and code <= 0xDBFF then
		local low = tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", at) or "", 16)

		if not low then
			bad_json(at, "half a surrogate pair")
		end
		code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00)
		at = at + 6
	end
	return utf8_char(code), at
end

-- `at` is behind the opening quote.
local function decode_string(text, at)
	local parts = {}

	while true do
		local stop = text:find('[%c"\\]', at)
		local char = stop and text:sub(stop, stop)

		if not stop or (char ~= '"' and char ~= "\\" and char ~= "\127") then
			bad_json(stop or #text, "string does not end")
		end
		parts[#parts + 1] = text:sub(at, stop - 1)
		if char == '"' then
			return table.concat(parts), stop + 1
		elseif char == "\127" then
			parts[#parts + 1], at = char, stop + 1
		else
			local escape = text:sub(stop + 1, stop + 1)

			at = stop + 2
			if escape == "u" then
				parts[#parts + 1], at = decode_unicode(text, at)
			elseif UNESCAPES[escape] then
				parts[#parts + 1] = UNESCAPES[escape]
			else
				bad_json(stop, "wrong escape")
			end
		end
	end
end

local function decode_number(text, at)
	local digits = text:match("^-?[1-9]%d*", at) or text:match("^-?0", at)

	if not digits then
		bad_json(at, "unexpected character")
	end
	local stop = at + #digits
	local fraction = text:match("^%.%d+", stop) or ""
	local exponent = text:match("^[eE][+-]?%d+", stop + #fraction) or ""
	local written = digits .. fraction .. exponent

	stop = at + #written
	if text:find("^[%w.]", stop) then
		bad_json(stop, "wrong number")
	end
	if written == digits and #digits <= 15 and digits ~= "-0" then
		return tonumber(digits), stop
	end
	return setmetatable({ text = written }, raw_mt), stop
end

local function skip_blanks(text, at)
	return text:find("[^ \t\r\n]", at) or #text + 1
end

local decode_value

-- `at` is behind the opening bracket.
local function decode_list(text, at, depth, close, item)
	at = skip_blanks(text, at)
	if text:sub(at, at) == close then
		return at + 1
	end
	while true do
		at = skip_blanks(text, item(at, depth))
		local char = text:sub(at, at)

		if char == close then
			return at + 1
		elseif char ~= "," then
			bad_json(at, "list does not end")
		end
		at = skip_blanks(text, at + 1)
	end
end

local function decode_array(text, at, depth)
	local list = json.array({})

	at = decode_list(text, at, depth, "]", function(from)
		list[#list + 1], from = decode_value(text, from, depth)
		return from
	end)
	return list, at
end

local function decode_object(text, at, depth)
	local object = {}

	at = decode_list(text, at, depth, "}", function(from)
		local key

		if text:sub(from, from) ~= '"' then
			bad_json(from, "key is missing")
		end
		key, from = decode_string(text, from + 1)
		from = skip_blanks(text, from)
		if text:sub(from, from) ~= ":" or object[key] ~= nil then
			bad_json(from, "wrong key")
		end
		object[key], from = decode_value(text, from + 1, depth)
		return from
	end)
	return object, at
end

local LITERALS = { { "true", true }, { "false", false }, { "null", json.null } }

function decode_value(text, at, depth)
	at = skip_blanks(text, at)
	local char = text:sub(at, at)

	if depth > MAX_JSON_DEPTH then
		bad_json(at, "too deep")
	elseif char == '"' then
		return decode_string(text, at + 1)
	elseif char == "{" then
		return decode_object(text, at + 1, depth + 1)
	elseif char == "[" then
		return decode_array(text, at + 1, depth + 1)
	end
	for _, literal in ipairs(LITERALS) do
		if text:sub(at, at + #literal[1] - 1) == literal[1] then
			return literal[2], at + #literal[1]
		end
	end
	return decode_number(text, at)
end

-- The value, or nil and why not.
function json.decode(text)
	local ok, value, stop = pcall(decode_value, text, 1, 0)

	if not ok then
		return nil, value
	elseif skip_blanks(text, stop) <= #text then
		return nil, "not JSON: more follows at byte " .. stop
	end
	return value
end

-- A field of what was decoded, or nil: get(workflow, "status", "state").
local function get(value, ...)
	for n = 1, select("#", ...) do
		if type(value) ~= "table" then
			return nil
		end
		value = value[(select(n, ...))]
	end
	if value == json.null then
		return nil
	end
	return value
end

--- settings ------------------------------------------------------------------

local HERE = debug.getinfo(1, "S").source:match("^@(.*/)") or "/etc/slurm/"

-- NAME = { default, pattern of what is allowed[, another one] }
local SETTINGS = {
	Kubeconfig = { "/etc/slurm/slurm-dws.kubeconfig", "^/" },
	Client = { "auto", "^[%l-]+$" },
	DwsCsm = { "dws-csm", "." },
	Kubectl = { "kubectl", "." },
	Scancel = { "scancel", "." },
	Pool = { "dws", "^%l[%l%d-]*$" },
	Namespace = { "default", "^%l[%l%d-]*$" },
	ApiVersion = { "auto", "^[%l%d]+$" },
	WlmID = { "slurm", "^[%w._-]+$" },
	CheckAtSubmit = { "yes", "^yes$", "^no$" },
	CancelOnError = { "yes", "^yes$", "^no$" },
	SubmitTimeout = { "5", "^%d+$" },
	RequestTimeout = { "15", "^[1-9]%d*$" },
	PollWait = { "10", "^%d+$" },
}

local function read_file(path, max_bytes)
	local file, why = io.open(path, "rb")

	if not file then
		return nil, why
	end
	local text = file:read(max_bytes) or ""

	file:close()
	return text
end

local function each_line(text)
	return (text .. "\n"):gmatch("(.-)\r?\n")
end

-- Slurm's own limits, in seconds: of what burst_buffer.conf says.
local function slurm_timeouts()
	local seconds = { othertimeout = 300, stageintimeout = 86400, stageouttimeout = 86400 }
	local text = read_file(HERE .. "burst_buffer.conf", 65536) or
		read_file(HERE .. "burst_buffer_lua.conf", 65536) or ""

	for line in each_line(text) do
		for key, value in line:gsub("#.*", ""):gmatch("(%a+)%s*=%s*(%d+)") do
			if seconds[key:lower()] then
				-- 0 is no limit to Slurm.
				seconds[key:lower()] = tonumber(value) > 0 and tonumber(value) or 604800
			end
		end
	end
	return seconds
end

local function load_settings()
	local settings, number = { timeouts = slurm_timeouts() }, 0
	local path = HERE .. "dws-burst-buffer.conf"

	for name, rule in pairs(SETTINGS) do
		settings[name] = rule[1]
	end
	-- All have defaults, so the file may be missing.
	for line in each_line(read_file(path, 65536) or "") do
		number = number + 1
		line = line:gsub("^%s*#.*", ""):gsub("%s+$", "")
		if line ~= "" then
			local name, value = line:match("^%s*(%a+)%s*=%s*(.*)$")
			local rule = SETTINGS[name]

			if not rule or value:find("%c") or
				not (value:find(rule[2]) or value:find(rule[3] or rule[2])) then
				error(("%s line %d: '%s' is no setting; see the comments there")
					:format(path, number, clean(line, 60)), 0)
			end
			settings[name] = value
		end
	end
	return settings
end

--- the job script ------------------------------------------------------------

-- Complains of the line of a directive, or returns nothing.
local function check_directive(line, number)
	local control = line:match("[%z\1-\8\10-\31\127]")

	if control == "\r" then
		return ("line %d: a #DW line holds a carriage return; " ..
			"convert the script with dos2unix"):format(number)
	elseif control then
		return ("line %d: a #DW line holds the control character %d")
			:format(number, control:byte())
	elseif not is_utf8(line) then
		return ("line %d: a #DW line is not UTF-8"):format(number)
	end
end

-- The directives of the text of a script, as Slurm finds them: in the comments
-- at its top, up to the first line that is none (empty lines do not count);
-- where one ends in a backslash the next #DW line goes on. Returns a list, or
-- nil and what is wrong with them.
local function parse_directives(text)
	local directives, bytes, number = json.array({}), 0, 0
	local continued, blank = false, false

	for line in (text .. "\n"):gmatch("(.-)\n") do
		number = number + 1
		local first = line:sub(1, 1)

		if first ~= "#" and first ~= "" then
			return directives
		elseif line:find("\0", 1, true) then
			return nil, ("line %d holds a NUL byte"):format(number)
		end
		-- A word such as "#DWARF" is a comment, unless it goes on.
		if line:find(continued and "^#DW" or "^#DW[%s\\]") or line == "#DW" then
			local wrong = check_directive(line, number)
			local more = line:sub(-1) == "\\"

			if wrong then
				return nil, wrong
			end
			line = more and line:sub(1, -2) or line
			if continued then
				line = line:sub(4)
				line = blank and line:gsub("^%s+", "") or line
				directives[#directives] = directives[#directives] .. line
			else
				directives[#directives + 1] = line
			end
			bytes = bytes + #line
			if bytes > MAX_DIRECTIVE_BYTES then
				return nil, ("line %d: the #DW lines hold more than %d bytes")
					:format(number, MAX_DIRECTIVE_BYTES)
			end
			continued, blank = more, line:find("%s$") ~= nil
		elseif first == "#" then
			continued = false
		end
	end
	if #text > MAX_BLOCK_BYTES then
		return nil, ("the comments at the top are longer than %d bytes")
			:format(MAX_BLOCK_BYTES)
	end
	return directives
end

-- Slurm takes no "capacity=" without the "pool=" of a pool that it knows. Ours
-- is for Slurm alone: DWS knows none.
local function without_pool(directive, pool)
	return (directive:gsub("%s+(pool=%S+)", function(word)
		return word == "pool=" .. pool and "" or nil
	end))
end

local function read_directives(script, pool)
	if type(script) ~= "string" or not script:find("^/") then
		return nil, "Slurm named no job script"
	end
	local text, why = read_file(script, MAX_BLOCK_BYTES + 1)

	if not text then
		return nil, "cannot read the job script: " .. clean(why)
	elseif text:byte(-1) == 0 then
		text = text:sub(1, -2) -- slurmctld writes the end of a string, too
	end
	local directives

	directives, why = parse_directives(text)
	for n, directive in ipairs(pool and directives or {}) do
		directives[n] = without_pool(directive, pool)
	end
	return directives, why
end

--- programs ------------------------------------------------------------------

local function sleep(seconds)
	os.execute(("sleep %.2f"):format(seconds))
end

-- slurmctld has most signals blocked, and programs inherit that: nothing but
-- SIGKILL is sure to end one.

-- Runs a program without input for at most so many seconds. Returns its output
-- (or nil), its exit code and its messages. They come through one pipe, since
-- under Lua 5.1 a pipe does not tell how its program ended.
local function run(words, seconds)
	local pipe, why = io.popen(("{ e=$( { timeout --foreground -s KILL %d %s; } " ..
		"2>&1 1>&3 3>&- </dev/null); r=$?; } 3>&1; printf '\\n\\036%%d\\n%%s' \"$r\" \"$e\"")
		:format(math.max(1, seconds), shell_line(words)), "r")

	if not pipe then
		return nil, 127, "cannot start a shell: " .. clean(why)
	end
	local text = pipe:read(MAX_ANSWER_BYTES) or ""

	pipe:close()
	local output, code, messages = text:match("^(.*)\n\30(%d+)\n(.*)$")

	if not output then
		return nil, 127, "the shell ended early"
	elseif code ~= "0" then
		return nil, tonumber(code), messages
	end
	return output, 0, messages
end

-- Calls `line_seen` with each line of the program's output until it returns
-- true; then ends the program, which has to end by itself when its time is over.
local function run_lines(words, line_seen)
	local pipe = io.popen(("echo $$; exec %s 2>/dev/null </dev/null")
		:format(shell_line(words)), "r")
	local pid = pipe and (pipe:read("*l") or ""):match("^%d+$")

	if pid then
		for line in pipe:lines() do
			if line_seen(line) then
				os.execute("kill -KILL " .. pid .. " 2>/dev/null")
				break
			end
		end
	end
	if pipe then
		pipe:close()
	end
end

-- The path of a new private file, or nil. Where Lua makes it by mkstemp it has
-- this name; where it does not, its name could be foreseen.
local function temporary_file()
	local ok, path = pcall(os.tmpname)

	if ok and path:find("^/tmp/lua_%w+$") then
		return path
	end
	local pipe = io.popen("exec mktemp -t dws-burst-buffer.XXXXXXXX 2>/dev/null </dev/null", "r")

	path = pipe and (pipe:read("*l") or ""):match("^/[%w/._+-]+$")
	if pipe then
		pipe:close()
	end
	return path
end

-- Calls `use` with the path of a private file that holds the text.
local function with_file(text, use)
	local path = temporary_file()
	local file = path and io.open(path, "wb")

	if not file then
		return nil, { kind = "fatal", text = "cannot make a temporary file" }
	end
	local written = file:write(text) and file:close()
	local result, err

	if written then
		result, err = use(path)
	else
		err = { kind = "fatal", text = "cannot write a temporary file; is the disk full?" }
	end
	os.remove(path)
	return result, err
end

--- clients -------------------------------------------------------------------

-- A client is a table of functions; each takes a job (see new_job) and returns
-- what it is asked for, or nil and {kind, text}, where kind is
--   transient   may pass: no connection, a server that is busy, a webhook away
--   gone        there is no such Workflow
--   exists      create: there is one already
--   conflict    replace: it was changed meanwhile
--   denied      the server refuses what the object says
--   fatal       no use to try again: no rights, no kubeconfig, no program
--
--   available(job)               whether this host has it
--   create(job, object, try)     try: a dry run, nothing stays
--   read(job)                    the Workflow
--   replace(job, object)         with its resourceVersion; the new object
--   delete(job)                  true
--   follow(job, object, seconds, seen)
--                                calls seen(object) for each change after the
--                                object's, seen(nil) when it is deleted, until
--                                seen returns true or the time is over

local clients = {}

-- Tells `seen` the event of a line of a watch, as the API server writes it;
-- true when it is over.
local function tell_event(line, seen)
	local event = json.decode(line)
	local kind = get(event, "type")

	if kind == "DELETED" then
		return seen(nil)
	elseif kind == "ADDED" or kind == "MODIFIED" then
		return seen(event.object)
	end
	return true
end

-- The text of a resourceVersion, when it is one that may be asked for.
local function resource_version(object)
	local version = get(object, "metadata", "resourceVersion")

	return type(version) == "string" and version:find("^%d+$") and version or nil
end

-- dws-csm workflows ...: milliseconds instead of the tenths of a second that
-- kubectl takes.

clients["dws-csm"] = {}

local function dws_csm_words(job, verb, seconds, ...)
	local settings = job.settings
	local words = { settings.DwsCsm, "workflows", verb, "--kubeconfig=" .. settings.Kubeconfig,
		"--namespace=" .. settings.Namespace, ("--timeout=%ds"):format(seconds), ... }

	if settings.ApiVersion ~= "auto" then
		words[#words + 1] = "--api-version=" .. settings.ApiVersion
	end
	return words
end

-- It ends by itself when its time is over, and says in JSON what was wrong:
-- no exit code is needed, and no program around it. With `file` that is its
-- standard input.
local function dws_csm(job, file, verb, ...)
	local pipe, why = io.popen(("exec %s <%s 2>&1"):format(
		shell_line(dws_csm_words(job, verb, job:request_seconds(), ...)),
		shell_quote(file or "/dev/null")), "r")

	if not pipe then
		return nil, { kind = "fatal", text = "cannot start a shell: " .. clean(why) }
	end
	local text = pipe:read(MAX_ANSWER_BYTES) or ""

	pipe:close()
	local line = ("\n" .. text):match("\n({[^\n]*})\n")
	local answer = line and json.decode(line)
	local problem = get(answer, "error")

	if type(answer) == "table" and not problem then
		return answer
	elseif problem then
		return nil, { kind = get(problem, "kind") or "fatal",
			text = clean(get(problem, "message") or "failed") }
	elseif text:find("^sh: ") then
		return nil, { kind = "fatal", text = ("cannot run '%s': %s")
			:format(job.settings.DwsCsm, clean(text)) }
	end
	-- Ended by its watchdog, or for want of memory; it may have warned before.
	return nil, { kind = "transient",
		text = "the Kubernetes API server did not answer in time" ..
			(text ~= "" and " (" .. clean(text) .. ")" or "") }
end

-- No process for this: it is asked at each call.
clients["dws-csm"].available = function(job)
	local name = job.settings.DwsCsm

	for folder in (name:find("/", 1, true) and "" or os.getenv("PATH") or ""):gmatch("[^:]+") do
		local file = io.open(folder .. "/" .. name, "rb")

		if file then
			file:close()
			return true
		end
	end
	local file = name:find("/", 1, true) and io.open(name, "rb")

	return file and file:close() and true or false
end

clients["dws-csm"].create = function(job, object, try)
	return with_file(json.encode(object), function(file)
		return dws_csm(job, file, "create", "--from-stdin", try and "--dry-run" or nil)
	end)
end

clients["dws-csm"].read = function(job)
	return dws_csm(job, nil, "get", job.workflow)
end

-- All that we ever change is the state and the hurry.
clients["dws-csm"].replace = function(job, object)
	return dws_csm(job, nil, "set-state", job.workflow, object.spec.desiredState,
		"--resource-version=" .. (resource_version(object) or ""),
		object.spec.hurry == true and "--hurry" or nil)
end

clients["dws-csm"].delete = function(job)
	local answer, err = dws_csm(job, nil, "delete", job.workflow)

	return answer and true, err
end

clients["dws-csm"].follow = function(job, object, seconds, seen)
	local version = resource_version(object)

	if version then
		run_lines(dws_csm_words(job, "wait", seconds, job.workflow, "--changes",
			"--resource-version=" .. version),
			function(line) return tell_event(line, seen) end)
	end
end

-- kubectl, where there is nothing better.

clients.kubectl = {}

-- Whether it is kubectl's own complaint, which no waiting mends. Faults of the
-- connection begin with "error:", too.
local function is_own_fault(text)
	for _, words in ipairs({ "no such file", "permission denied", "nvalid configuration",
		"does not exist", "unknown ", "error loading config", "unable to read",
		"unable to load", "tls: ", "no configuration has been provided" }) do
		if text:find("^error:") and text:find(words, 1, true) then
			return true
		end
	end
	return false
end

-- What kubectl said, as an error.
local function kubectl_error(job, code, messages)
	local text = clean(messages)
	local reason = text:match("^Error from server %((%w+)%)")
	local kind = "transient"

	if code == 124 or code == 137 then
		text = "the Kubernetes API server did not answer in time"
	elseif code == 126 or code == 127 then
		kind, text = "fatal", ("cannot run '%s': %s"):format(job.settings.Kubectl, text)
	elseif text:find("denied the request", 1, true) or text:find("is invalid:", 1, true) or
		reason == "Invalid" or reason == "BadRequest" then
		kind = "denied"
	elseif reason == "NotFound" then
		if text:find(('"%s" not found'):format(job.workflow), 1, true) then
			kind = "gone"
		elseif text:find("namespaces ", 1, true) then
			kind = "fatal"
		else
			text = "the server does not serve the resources of DWS: " .. text
		end
	elseif reason == "AlreadyExists" then
		kind = "exists"
	elseif reason == "Conflict" then
		kind = "conflict"
	elseif reason == "Forbidden" or reason == "Unauthorized" or is_own_fault(text) then
		kind, text = "fatal", text .. " (kubeconfig " .. job.settings.Kubeconfig .. ")"
	end
	return { kind = kind, text = text }
end

local function kubectl_words(job, verb, path)
	return { job.settings.Kubectl, "--kubeconfig", job.settings.Kubeconfig, verb, "--raw", path }
end

-- An answer of the server, decoded.
local function kubectl(job, verb, path, file)
	local words = kubectl_words(job, verb, path)

	if file then
		words[#words + 1] = "-f"
		words[#words + 1] = file
	end
	local output, code, messages = run(words, job:request_seconds())

	if not output then
		return nil, kubectl_error(job, code, messages)
	end
	local answer, why = json.decode(output)

	if type(answer) ~= "table" then
		return nil, { kind = "transient", text = "the server's answer is " .. tostring(why) }
	end
	return answer
end

-- The version of Workflows to use: that of the settings, else the one that the
-- server prefers, asked once.
local function kubectl_version(job)
	if job.version or job.settings.ApiVersion ~= "auto" then
		return job.version or job.settings.ApiVersion
	end
	local answer, err = kubectl(job, "get", "/apis/" .. GROUP)
	local version = get(answer, "preferredVersion", "version")

	if err then
		return nil, err
	elseif type(version) ~= "string" or not version:find("^v%d[%l%d]*$") then
		return nil, { kind = "transient", text = "the server names no version of " .. GROUP }
	end
	job.version = version
	return version
end

-- The path of all Workflows, and what follows it.
local function collection(job, more)
	local version, err = kubectl_version(job)

	return version and ("/apis/%s/%s/namespaces/%s/workflows%s")
		:format(GROUP, version, job.settings.Namespace, more), err
end

-- Does something with the job's Workflow.
local function kubectl_one(job, verb, file)
	local path, err = collection(job, "/" .. job.workflow)

	if not path then
		return nil, err
	end
	return kubectl(job, verb, path, file)
end

function clients.kubectl.available()
	return true -- the last resort
end

function clients.kubectl.create(job, object, try)
	local path, err = collection(job, try and "?dryRun=All" or "")

	if not path then
		return nil, err
	end
	object.apiVersion = GROUP .. "/" .. kubectl_version(job)
	return with_file(json.encode(object), function(file)
		return kubectl(job, "create", path, file)
	end)
end

function clients.kubectl.read(job)
	return kubectl_one(job, "get")
end

function clients.kubectl.replace(job, object)
	return with_file(json.encode(object), function(file)
		return kubectl_one(job, "replace", file)
	end)
end

function clients.kubectl.delete(job)
	local answer, err = kubectl_one(job, "delete")

	return answer and true, err
end

function clients.kubectl.follow(job, object, seconds, seen)
	local version = resource_version(object)
	local path = version and collection(job, ("?watch=true&fieldSelector=metadata.name=%s" ..
		"&resourceVersion=%s&timeoutSeconds=%d"):format(job.workflow, version, seconds))

	if path then
		local words = kubectl_words(job, "get", path)

		words[#words + 1] = ("--request-timeout=%ds"):format(seconds + 2)
		run_lines(words, function(line) return tell_event(line, seen) end)
	end
end

-- Slots of the order in which Client=auto tries them.
local CLIENT_ORDER = { "dws-csm", "kubectl" }

local function choose_client(job)
	local wanted = job.settings.Client

	if wanted == "auto" then
		for _, name in ipairs(CLIENT_ORDER) do
			if clients[name].available(job) then
				return clients[name]
			end
		end
	end
	if not clients[wanted] then
		error(("Client=%s is not known; use auto, dws-csm or kubectl"):format(wanted), 0)
	end
	return clients[wanted]
end

--- a job ---------------------------------------------------------------------

local Job = {}
Job.__index = Job

-- A whole number of Slurm's, which comes as text, a float or nil.
local function to_id(value)
	if type(value) == "string" then
		value = value:find("^%d+$") and tonumber(value)
	end
	if type(value) ~= "number" or value % 1 ~= 0 or value < 0 or value > 4294967295 then
		return nil
	end
	return value
end

-- The same as text; Lua 5.3 writes a float as "12.0".
local function id_text(value)
	local number = to_id(value)

	return number and ("%.0f"):format(number)
end

-- seconds: how long the hook may take.
local function new_job(hook, id, settings, seconds)
	local job = setmetatable({ hook = hook, settings = settings }, Job)

	job.number = to_id(id)
	job.id = id_text(id)
	job.workflow = "bb" .. (job.id or "")
	job.deadline = os.time() + seconds
	job.client = choose_client(job)
	return job
end

function Job:log(level, form, ...)
	local text = select("#", ...) > 0 and form:format(...) or form

	slurm["log_" .. level]("%s", ("dws: job %s: %s: %s")
		:format(self.id or "-", self.hook, clean(text, 1000)))
end

function Job:left()
	return self.deadline - os.time()
end

function Job:request_seconds()
	return math.max(1, math.min(tonumber(self.settings.RequestTimeout), self:left()))
end

-- Not all jobs at the same moment.
function Job:pause(seconds)
	sleep(math.max(0.1, math.min(seconds, self:left()) *
		(0.75 + (self.number or 0) % 50 / 100)))
end

-- Does one thing of the client's; while it fails for a reason that may pass,
-- again until the hook's time is over.
function Job:ask(what, ...)
	local pause = 0.5

	while true do
		local result, err = self.client[what](self, ...)

		if not err or err.kind ~= "transient" or self:left() <= pause then
			return result, err
		end
		self:log("debug", "%s: %s; trying again", what, err.text)
		self:pause(pause)
		pause = math.min(pause * 2, 15)
	end
end

--- what a Workflow says ------------------------------------------------------

local function driver_texts(workflow, wanted)
	local texts, known = {}, {}
	local drivers = get(workflow, "status", "drivers")

	for _, driver in ipairs(type(drivers) == "table" and drivers or {}) do
		local text = wanted(driver)

		if text then
			text = ("driver %s: %s"):format(clean(get(driver, "driverID") or "?", 80), clean(text))
			if not known[text] then
				texts[#texts + 1], known[text] = text, true
			end
		end
	end
	return table.concat(texts, "; ")
end

-- The errors of drivers in one line; empty when there is none.
local function driver_errors(workflow)
	return driver_texts(workflow, function(driver)
		local text = get(driver, "error")

		if type(text) == "string" and text ~= "" then
			return text
		elseif get(driver, "status") == "Error" then
			return get(driver, "message") or "error"
		end
	end)
end

-- What is waited for.
local function pending_drivers(workflow, state)
	return driver_texts(workflow, function(driver)
		if get(driver, "watchState") == state and get(driver, "completed") ~= true then
			return ("%s %s"):format(get(driver, "status") or "Pending",
				get(driver, "message") or "")
		end
	end)
end

local function has_failed(workflow)
	return get(workflow, "status", "status") == "Error"
end

local function failure(workflow)
	local text = driver_errors(workflow)

	if text == "" then
		text = clean(get(workflow, "status", "message") or "DWS gives no reason")
	end
	return ("DWS failed in %s: %s"):format(clean(get(workflow, "status", "state") or "?"), text)
end

-- How the Workflow stands towards a state:
--   done, behind (not asked for yet), wait, failed, cancelled
local function judge(workflow, target)
	local desired = get(workflow, "spec", "desiredState")
	local state = get(workflow, "status", "state")
	local deleting = get(workflow, "metadata", "deletionTimestamp") ~= nil

	if target ~= "Teardown" and (deleting or desired == "Teardown") then
		return "cancelled"
	elseif deleting then
		return "done"
	elseif has_failed(workflow) and target ~= "Teardown" then
		return "failed"
	elseif (ORDER[desired] or 0) < ORDER[target] then
		return "behind"
	elseif (ORDER[state] or 0) > ORDER[target] or
		(state == target and get(workflow, "status", "status") == "Completed" and
			get(workflow, "status", "ready") ~= false) then
		return "done"
	end
	-- Also after an error in Teardown: drivers try again, and Slurm would give
	-- the storage up after three tries.
	return "wait"
end

-- The name of this Slurm cluster as the value of a label, or nil.
local function cluster_name()
	local name = slurm.CLUSTER_NAME

	return type(name) == "string" and #name <= 63 and name:find("^%w[%w._-]*$") and
		name:find("%w$") and name or nil
end

-- Every Slurm counts its jobs from 1, so the name says little; a Workflow of
-- the plugin that DWS offers does not tell its cluster.
local function is_ours(job, workflow)
	local cluster = get(workflow, "metadata", "labels", CLUSTER_LABEL)

	return get(workflow, "metadata", "labels", "origin") == ORIGIN and
		get(workflow, "spec", "wlmID") == job.settings.WlmID and
		(cluster == nil or cluster_name() == nil or cluster == cluster_name())
end

--- what is done with a Workflow ----------------------------------------------

-- The Workflow after its next change that `matters`, or as it stands when the
-- time is over; nil when it is gone.
function Job:changed(workflow, until_time, matters)
	local began, latest, gone = os.time(), nil, false

	self.client.follow(self, workflow, math.max(1, math.min(60, until_time - began)),
		function(object)
			latest, gone = object, object == nil
			return gone or matters(object)
		end)
	if gone then
		return nil, { kind = "gone" }
	elseif latest and matters(latest) or os.time() >= until_time then
		return latest or workflow
	elseif os.time() - began < 2 then
		-- No watch: ask now and then, ever less often.
		self.poll_pause = math.min((self.poll_pause or 0.5) * 1.5, 10)
		self:pause(self.poll_pause)
	end
	return self:ask("read")
end

function Job:explain(err, doing)
	if err.kind == "gone" then
		return ("Workflow %s is gone; somebody deleted it"):format(self.workflow)
	end
	return ("cannot %s Workflow %s: %s"):format(doing, self.workflow, err.text)
end

-- An error that is waited for to pass, and that nobody was told of yet.
function Job:has_new_error(workflow, target)
	return has_failed(workflow) and not self.error_told and
		get(workflow, "status", "state") == target
end

-- Waits until the state is reached. Returns the Workflow; or nil, why not, and
-- how judge puts it.
function Job:wait(workflow, target, until_time)
	local err

	until_time = until_time or self.deadline
	while workflow do
		local verdict = judge(workflow, target)

		if verdict == "wait" and self:has_new_error(workflow, target) then
			self.error_told = true
			self:log("error", "%s; waiting for DWS to try again", failure(workflow))
		end

		if verdict == "done" then
			return workflow
		elseif verdict == "failed" then
			return nil, failure(workflow), verdict
		elseif verdict == "cancelled" then
			return nil, "the job was cancelled: its Workflow is being torn down", verdict
		elseif os.time() >= until_time and has_failed(workflow) then
			return nil, failure(workflow), "failed"
		elseif os.time() >= until_time then
			local drivers = pending_drivers(workflow, target)

			return nil, ("%s is not complete: %s"):format(target,
				drivers ~= "" and drivers or
				"status " .. clean(get(workflow, "status", "status") or "is empty")), "wait"
		end
		workflow, err = self:changed(workflow, until_time, function(object)
			return judge(object, target) ~= "wait" or self:has_new_error(object, target)
		end)
	end
	return nil, self:explain(err, "read"), err.kind
end

-- Asks for a state. Returns the Workflow, which need not have reached it.
function Job:desire(workflow, target, hurry)
	local err

	while workflow do
		local spec = workflow.spec
		local hasten = hurry and target == "Teardown" and get(spec, "hurry") ~= true and
			judge(workflow, target) ~= "done"

		if type(spec) ~= "table" or (judge(workflow, target) ~= "behind" and not hasten) then
			return workflow
		end
		spec.desiredState = target
		if hasten then
			spec.hurry = true
		end
		workflow, err = self:ask("replace", workflow)
		if workflow then
			return workflow
		elseif err.kind == "conflict" and self:left() > 0 then
			workflow, err = self:ask("read")
		elseif err.kind == "denied" and self:left() > 1 and
			err.text:find("not yet achieved", 1, true) then
			self:pause(1)
			workflow, err = self:ask("read")
		end
	end
	return nil, self:explain(err, "change"), err.kind
end

-- Asks for a state once the ones before are complete, and waits for it, unless
-- told otherwise. DWS lets none be skipped.
function Job:advance(target, wait)
	local workflow, err = self:ask("read")
	local why, verdict

	if not workflow then
		return nil, self:explain(err, "read"), err.kind
	end
	while workflow and judge(workflow, target) == "behind" do
		local present = get(workflow, "spec", "desiredState")

		if ORDER[present] then
			workflow, why, verdict = self:wait(workflow, present)
		end
		if workflow then
			workflow, why, verdict = self:desire(workflow, STATES[(ORDER[present] or 0) + 1])
		end
	end
	if workflow and wait ~= false then
		workflow, why, verdict = self:wait(workflow, target)
	end
	return workflow, why, verdict
end

-- Teardown, then nothing is left. Returns true and the errors of drivers that
-- it had; or nil and why not.
function Job:remove(workflow, hurry)
	local errors, uid = driver_errors(workflow), get(workflow, "metadata", "uid")
	local why, kind, err

	workflow, why, kind = self:desire(workflow, "Teardown", hurry)
	if workflow then
		workflow, why, kind = self:wait(workflow, "Teardown")
	end
	if workflow then
		local _

		_, err = self:ask("delete")
		if err and err.kind ~= "gone" then
			return nil, self:explain(err, "delete")
		end
	elseif kind ~= "gone" then
		return nil, why
	end
	while workflow and get(workflow, "metadata", "uid") == uid do
		if self:left() <= 0 then
			return nil, ("Workflow %s is deleted but does not go; see its finalizers")
				:format(self.workflow)
		end
		workflow, err = self:changed(workflow, self.deadline, function() return false end)
		if not workflow and err.kind ~= "gone" then
			return nil, self:explain(err, "read")
		end
	end
	return true, errors
end

local function new_workflow(job, directives, uid, gid)
	return {
		kind = "Workflow", -- the client knows the apiVersion
		metadata = { labels = { origin = ORIGIN, [CLUSTER_LABEL] = cluster_name() } },
		spec = {
			desiredState = "Proposal",
			wlmID = job.settings.WlmID,
			jobID = job.number or 0,
			userID = uid,
			groupID = gid,
			dwDirectives = directives,
		},
	}
end

-- Whether setup may go on with a Workflow that it finds.
local function is_same(workflow, wanted)
	local spec = workflow.spec
	local state = get(spec, "desiredState")

	return (ORDER[state] or 9) <= ORDER.DataIn and not has_failed(workflow) and
		get(workflow, "metadata", "deletionTimestamp") == nil and
		id_text(get(spec, "jobID")) == id_text(wanted.spec.jobID) and
		get(spec, "userID") == wanted.spec.userID and
		get(spec, "groupID") == wanted.spec.groupID and
		json.encode(get(spec, "dwDirectives") or json.null) ==
			json.encode(wanted.spec.dwDirectives)
end

-- Whether a job of somebody else may be running with it.
local function is_in_use(workflow, wanted)
	local order = ORDER[get(workflow, "spec", "desiredState")] or 0

	return get(workflow, "spec", "userID") ~= wanted.spec.userID and
		order >= ORDER.PreRun and order < ORDER.Teardown
end

-- The Workflow of a job that begins: a new one, or the one that a setup which
-- was interrupted left behind. What an earlier run of the job left is removed.
function Job:adopt_or_create(directives, uid, gid)
	while true do
		local workflow, err = self:ask("read")

		if not workflow and err.kind ~= "gone" then
			return nil, self:explain(err, "read")
		end
		local wanted = new_workflow(self, directives, uid, gid)

		wanted.metadata.name = self.workflow
		if not workflow then
			workflow, err = self:ask("create", wanted)
			if workflow then
				self:log("info", "Workflow %s created with %d directives",
					self.workflow, #directives)
				return workflow
			elseif err.kind ~= "exists" then
				return nil, self:explain(err, "create")
			end
		elseif not is_ours(self, workflow) or is_in_use(workflow, wanted) then
			return nil, ("Workflow %s is there already and belongs to somebody else " ..
				"(wlmID '%s', userID %s); set another Namespace in dws-burst-buffer.conf")
				:format(self.workflow, clean(get(workflow, "spec", "wlmID") or "?", 80),
					id_text(get(workflow, "spec", "userID")) or "?")
		elseif is_same(workflow, wanted) then
			self:log("info", "Workflow %s is there already: going on with it", self.workflow)
			return workflow
		else
			self:log("info", "Workflow %s of an earlier run is removed", self.workflow)
			local done, why = self:remove(workflow, true)

			if not done then
				return nil, why
			end
		end
		if self:left() <= 0 then
			return nil, ("no time left to create Workflow %s"):format(self.workflow)
		end
	end
end

--- the hooks' work -----------------------------------------------------------

local function check_ids(uid, gid)
	uid, gid = to_id(uid), to_id(gid)
	if not uid or not gid or uid > MAX_ID or gid > MAX_ID then
		return nil, nil, ("Slurm gave no user and group that DWS can take (0 to %d)"):format(MAX_ID)
	end
	return uid, gid
end

-- While the server is away each trial would cost SubmitTimeout with slurmctld
-- standing still, and an array is one for each of its tasks. So after one that
-- failed there is none for a while: a file in slurmctld's own folder says since
-- when (`script` is FOLDER/hash.N/job.N/script).
local function away_file(script)
	local folder = script:match("^(/.*)/hash%.%d+/job%.%d+/script$")

	return folder and folder .. "/dws-burst-buffer.away"
end

local function is_away(script)
	local path = away_file(script)
	local since = path and tonumber((read_file(path, 20) or ""):match("^%d+"))
	local passed = since and os.time() - since

	return passed ~= nil and passed >= 0 and passed < AWAY_SECONDS
end

local function set_away(script)
	local path = away_file(script)
	local file = path and io.open(path, "wb")

	if file then
		file:write(("%d\n"):format(os.time()))
		file:close()
	end
end

-- A task that is split off an array was checked with it.
local function is_task(job_info)
	local known, task = pcall(function() return job_info.array_task_id end)

	task = known and to_id(task)
	return task and task < 4294967294 -- NO_VAL
end

-- Runs inside slurmctld's locks. The server tries a Workflow with these
-- directives, which leaves nothing behind. When it is away the job is taken:
-- setup will wait for it. Slurm before 23.02 does not say who submits.
local function process(job, script, uid, gid, job_info)
	local directives, why = read_directives(script, job.settings.Pool)

	if not directives then
		return nil, why
	elseif #directives == 0 or job.settings.CheckAtSubmit ~= "yes" or is_task(job_info) then
		return true
	elseif table.concat(directives):find("%", 1, true) then
		return true -- Slurm puts in %j and the like later
	elseif is_away(script) then
		job:log("debug", "the #DW lines are not tried, the job is taken: " ..
			"the server was away a moment ago")
		return true
	end
	local nobody = 65534
	local trial = new_workflow(job, directives, nobody, nobody)

	trial.metadata.generateName = "bb-submit-"
	trial.spec.userID, trial.spec.groupID = check_ids(uid or nobody, gid or nobody)
	if not trial.spec.userID then
		return nil, "DWS cannot take this user's or group's number"
	end
	local _, err = job.client.create(job, trial, true)

	if not err then
		return true
	elseif err.kind == "transient" then
		set_away(script)
		job:log("error", "the #DW lines could not be tried, the job is taken: %s", err.text)
		return true
	end
	return nil, err.text
end

-- The Workflow's variables as lines NAME=VALUE: all that Slurm knows, so a line
-- break would be a variable that nobody has set. Those that cannot be told so
-- are left out; the second result names one.
local function variables(workflow)
	local env, lines, wrong = get(workflow, "status", "env"), {}, nil

	for name, value in pairs(type(env) == "table" and env or {}) do
		if not name:find("^[%a_][%w_]*$") or type(value) ~= "string" or value:find("[%c]") then
			wrong = clean(name, 80)
		else
			lines[#lines + 1] = name .. "=" .. value .. "\n"
		end
	end
	table.sort(lines)
	return table.concat(lines), wrong
end

local function write_file(path, text)
	local file, why = io.open(path, "wb")

	if not file then
		return nil, clean(why)
	end
	local written = file:write(text)

	if not file:close() or not written then
		return nil, path .. " cannot be written; is the disk full?"
	end
	return true
end

-- Where data_in leaves the variables for paths, beside the job script.
local function variables_file(job, script)
	local folder = type(script) == "string" and script:match("^/.*/")

	return folder and folder .. "dws-variables." .. job.id
end

-- What cannot be kept, paths asks for.
local function keep_variables(job, script, workflow)
	local text, wrong = variables(workflow)
	local path = variables_file(job, script)

	if wrong then
		return nil, ("Workflow %s has the variable '%s' that no job can take")
			:format(job.workflow, wrong)
	elseif not write_file(path .. ".new", text) or not os.rename(path .. ".new", path) then
		os.remove(path .. ".new")
		os.remove(path)
	end
	return true
end

local function setup(job, script, uid, gid)
	local directives, why = read_directives(script, job.settings.Pool)
	local workflow

	if not directives then
		return nil, why
	elseif #directives == 0 then
		return true
	end
	uid, gid, why = check_ids(uid, gid)
	if not uid then
		return nil, why
	end
	os.remove(variables_file(job, script)) -- of an earlier run
	workflow, why = job:adopt_or_create(directives, uid, gid)
	if workflow then
		workflow, why = job:wait(workflow, "Proposal")
	end
	if workflow then
		workflow, why = job:advance("Setup")
	end
	return workflow ~= nil, why
end

-- A job without directives for DWS, "#DWARF" for instance, has no Workflow.
local function is_without(script)
	local directives = read_directives(script)

	return directives ~= nil and #directives == 0
end

-- What the Workflow says, or nothing: then pre_run is told to look again.
local function ask_variables(job, script)
	local workflow, err = nil, { kind = "away", text = "the server was away a moment ago" }

	if not is_away(script) then
		workflow, err = job:ask("read")
	end
	if not workflow then
		if err.kind == "transient" then
			set_away(script)
		end
		job:log("error", "the job's variables are not known: %s", job:explain(err, "read"))
		write_file(variables_file(job, script) .. ".missing", "")
		return ""
	end
	local text, wrong = variables(workflow)

	if wrong then
		job:log("error", "Workflow %s has the variable '%s' that no job can take: left out",
			job.workflow, wrong)
	end
	return text
end

-- Runs inside slurmctld's locks, so it should need no server. And it never
-- fails: Slurm would hold the job without a word, and not even a release could
-- make it run again.
local function paths(job, script, path_file)
	if is_without(script) then
		return true
	end
	local text = read_file(variables_file(job, script), MAX_ANSWER_BYTES) or
		ask_variables(job, script)
	local written, why = write_file(path_file, text)

	if not written then
		job:log("error", "cannot write the path file: %s", why)
		write_file(variables_file(job, script) .. ".missing", "")
	end
	return true
end

-- After a failure Slurm puts the job back into the queue and waits for an
-- administrator; so does one that would run without its variables.
local function pre_run(job, script)
	if is_without(script) then
		return true
	end
	local missing = variables_file(job, script) .. ".missing"
	local file = io.open(missing, "rb")
	local again = ("; 'scontrol release %s' tries again"):format(job.id)
	local workflow, why, kind = job:advance("PreRun")

	if file then
		file:close()
		os.remove(missing)
		if workflow and variables(workflow) ~= "" then
			return nil, "the job's variables were not known when it began" .. again
		end
	end
	if kind == "transient" or kind == "wait" then
		return nil, why .. again
	end
	return workflow ~= nil, why
end

-- An error here destroys what the job has written. So what may pass is left to
-- data_out, which has more time.
local function post_run(job, script)
	if is_without(script) then
		return true
	end
	local workflow, why, kind = job:advance("PostRun")

	if not workflow and (kind == "transient" or kind == "wait") then
		job:log("error", "left to data_out: %s", why)
		return true
	end
	return workflow ~= nil, why
end

local function go_to(job, script, target, wait)
	if is_without(script) then
		return true
	end
	local workflow, why = job:advance(target, wait)

	if workflow and target == "DataIn" and wait ~= false then
		return keep_variables(job, script, workflow)
	end
	return workflow ~= nil, why
end

-- Slurm 24.05 and later ask again after "BUSY".
local function test_data(job, script, target)
	if is_without(script) then
		return true
	end
	local workflow, err = job:ask("read")
	local why, verdict

	if not workflow then
		return nil, job:explain(err, "read")
	end
	workflow, why, verdict = job:wait(workflow, target,
		math.min(os.time() + tonumber(job.settings.PollWait), job.deadline))
	if not workflow and verdict == "wait" then
		return true, "BUSY"
	elseif workflow and target == "DataIn" then
		return keep_variables(job, script, workflow)
	end
	return workflow ~= nil, why
end

-- How scancel has to be told of this job alone: the last task of an array has
-- the number of the array, which would cancel all of it. Nil when the job is
-- not in the queue.
local function name_of_job(job)
	local folder = job.settings.Scancel:match("^.*/") or ""
	local list, code, messages = run({ folder .. "squeue", "--noheader", "--jobs=" .. job.id,
		"--format=%A %F %K" }, 15)

	if not list then
		return nil, ("squeue ended with %d: %s"):format(code, messages)
	end
	for line in each_line(list) do
		local id, array, task = line:match("^%s*(%d+)%s+(%d+)%s+(%S+)")

		if id == job.id then
			return task:find("^%d+$") and array .. "_" .. task or id
		end
	end
	return nil, "it is not in the queue"
end

-- After an error the job is held by Slurm and would wait for ever.
local function cancel_held(job, errors)
	if errors == "" or job.settings.CancelOnError ~= "yes" then
		return
	end
	local name, why = name_of_job(job)

	if not name then
		job:log("info", "not cancelled: %s", why)
		return
	end
	job:log("info", "cancelling job %s: %s", name, errors)
	local _, code, messages = run({ job.settings.Scancel, "--hurry", name }, 15)

	if code ~= 0 then
		job:log("debug", "scancel: %s", messages)
	end
end

local function teardown(job, script, hurry, uid)
	local kept = variables_file(job, script)

	if kept then
		os.remove(kept)
		os.remove(kept .. ".missing")
	end
	local workflow, err = job:ask("read")

	if not workflow and err.kind == "gone" then
		return true
	elseif not workflow then
		return nil, job:explain(err, "read")
	elseif not is_ours(job, workflow) or
		(to_id(uid) and get(workflow, "spec", "userID") ~= to_id(uid)) then
		job:log("error", "Workflow %s is not ours: left as it is", job.workflow)
		return true
	end
	local done, text = job:remove(workflow, tostring(hurry) == "true")

	if not done then
		job:log("error", "Workflow %s stays: %s", job.workflow, text)
		return nil, text
	end
	job:log("info", "Workflow %s is torn down and deleted", job.workflow)
	cancel_held(job, text)
	return true
end

-- Slurm up to 22.05 passes the words alone, later ones uid and gid before them.
local function status(job, ...)
	local words = { ... }
	local first = 1

	if words[1] ~= "workflow" and tostring(words[1]):find("^%d+$") and
		tostring(words[2]):find("^%d+$") then
		first = 3
	end
	if words[first] ~= "workflow" or #words ~= first + 1 then
		return true, "Usage: workflow <job-id>\n"
	elseif not tostring(words[first + 1]):find("^%d+$") then
		return true, "A job ID must contain only digits.\n"
	end
	job.id = words[first + 1]
	job.workflow = "bb" .. job.id
	local workflow, err = job:ask("read")

	if not workflow and err.kind == "gone" then
		return true, ("Job %s has no Workflow\n"):format(job.id)
	elseif not workflow then
		return true, job:explain(err, "read") .. "\n"
	end
	return true, ("desiredState=%s currentState=%s status=%s\n"):format(
		clean(get(workflow, "spec", "desiredState") or ""),
		clean(get(workflow, "status", "state") or ""),
		clean(get(workflow, "status", "status") or ""))
end

--- hooks ---------------------------------------------------------------------

-- We end before Slurm ends us, so that there is a message.
local function below(seconds)
	return seconds > 60 and seconds - 15 or math.floor(seconds * 0.7)
end

-- Runs a hook's work(job, ...) -> true[, text] or nil, text. `limit` names the
-- timeout of Slurm that bounds it; "submit" is ours, for those hooks during
-- which slurmctld stands still.
local function guard(hook, id, limit, work, ...)
	local began, job = os.time(), nil
	local arguments = { n = select("#", ...), ... }
	local unpack_list = table.unpack or unpack
	local ok, done, text = pcall(function()
		local settings = load_settings()
		local seconds = limit == "submit" and tonumber(settings.SubmitTimeout) or
			below(settings.timeouts[limit])

		job = new_job(hook, id, settings, seconds)
		if not job.id and hook ~= "job_process" and hook ~= "get_status" then
			error("Slurm gave no job id", 0)
		end
		return work(job, unpack_list(arguments, 1, arguments.n))
	end)

	if not ok then
		done, text = nil, clean(done)
	end
	if done then
		if job.id and limit ~= "submit" and hook ~= "get_status" then
			job:log("debug", "done after %d s", os.time() - began)
		end
		-- A second value that is nil would be an error to Slurm.
		if text then
			return slurm.SUCCESS, text
		end
		return slurm.SUCCESS
	end
	text = clean(text or "failed", 1000)
	slurm.log_error("%s", ("dws: job %s: %s: %s")
		:format(job and job.id or clean(id or "-", 20), hook, text))
	return slurm.ERROR, text
end

-- Slurm 24.05 and later ask test_data_in/out, and tell so by this name.
local function is_polled()
	return slurm.SLURM_BB_BUSY ~= nil
end

-- (script), from 23.02 on (script, uid, gid, job_info)
function slurm_bb_job_process(script, uid, gid, job_info)
	local known, id = pcall(function() return job_info and job_info.job_id end)

	return guard("job_process", known and id, "submit", process, script, uid, gid,
		job_info)
end

local POOL_BYTES = setmetatable({ text = "1000000000000000000" }, raw_mt)

function slurm_bb_pools()
	local ok, settings = pcall(load_settings)

	-- DWS does the accounting: one pool without end.
	return slurm.SUCCESS, json.encode({ pools = json.array({
		{ id = ok and settings.Pool or SETTINGS.Pool[1], quantity = POOL_BYTES, granularity = 1 },
	}) })
end

-- (job, script, hurry), from 23.02 on (..., uid, gid)
function slurm_bb_job_teardown(job_id, script, hurry, uid)
	return guard("teardown", job_id, "othertimeout", teardown, script, hurry, uid)
end

-- (job, uid, gid, pool, size, script), from 23.02 on (..., job_info)
function slurm_bb_setup(job_id, uid, gid, _, _, script)
	return guard("setup", job_id, "othertimeout", setup, script, uid, gid)
end

-- The next ones: (job, script), from 23.02 on (..., uid, gid, job_info)
function slurm_bb_data_in(job_id, script)
	return guard("data_in", job_id, "stageintimeout", go_to, script, "DataIn", not is_polled())
end

function slurm_bb_test_data_in(job_id, script)
	return guard("test_data_in", job_id, "stageintimeout", test_data, script, "DataIn")
end

function slurm_bb_real_size()
	return slurm.SUCCESS -- asked only where there are pools
end

-- (job, script, path file), from 23.02 on (..., uid, gid, job_info)
function slurm_bb_paths(job_id, script, path_file)
	guard("paths", job_id, "submit", paths, script, path_file)
	return slurm.SUCCESS -- whatever it logged, see there
end

function slurm_bb_pre_run(job_id, script)
	return guard("pre_run", job_id, "othertimeout", pre_run, script)
end

function slurm_bb_post_run(job_id, script)
	return guard("post_run", job_id, "othertimeout", post_run, script)
end

function slurm_bb_data_out(job_id, script)
	return guard("data_out", job_id, "stageouttimeout", go_to, script, "DataOut", not is_polled())
end

function slurm_bb_test_data_out(job_id, script)
	return guard("test_data_out", job_id, "stageouttimeout", test_data, script, "DataOut")
end

-- (word...), from 23.02 on (uid, gid, word...)
function slurm_bb_get_status(...)
	return guard("get_status", nil, "submit", status, ...)
end

return slurm.SUCCESS
