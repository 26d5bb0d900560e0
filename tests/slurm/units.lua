-- units.lua: the local functions of burst_buffer.lua, found through the hooks.
--
-- usage: LUA units.lua SCRIPT
--
-- Prints what fails; exits 1 then.

slurm = { SUCCESS = 0, ERROR = -1 }
assert(loadfile(arg[1]))()

local found, seen = {}, {}
local function collect(value)
	if type(value) ~= "function" or seen[value] then
		return
	end
	seen[value] = true
	for n = 1, 100 do
		local name, inner = debug.getupvalue(value, n)

		if not name then
			break
		end
		found[name] = inner
		if type(inner) == "table" and not seen[inner] then
			seen[inner] = true
			for _, item in pairs(inner) do
				collect(item)
			end
		end
		collect(inner)
	end
end
for name, value in pairs(_G) do
	if type(name) == "string" and name:find("^slurm_bb_") then
		collect(value)
	end
end

local failed = 0
local function same(what, wanted, got)
	if wanted ~= got then
		failed = failed + 1
		print(("%s: wanted %q, got %q"):format(what, tostring(wanted), tostring(got)))
	end
end

-- Texts that a shell, a format, a pattern or YAML could take for more.
local HOSTILE = {
	"", " ", "'", "''", "a'b", "$(touch canary)", "`touch canary`", "; touch canary #",
	'"; touch canary; "', "%s%n%d", "%1", "\\", "\\'", "\t", "\r", "a\rb", "-n", "--help",
	"&& touch canary", "| touch canary", "> canary", "$HOME", "!!", "*", "~", "\1\27[31m",
	"gr\195\188n", "'$(touch canary)'", "\\'; touch canary; \\'", "userID: 0", "}}{{", "\127",
}

for _, text in ipairs(HOSTILE) do
	local pipe = io.popen("printf %s " .. found.shell_quote(text))

	same("shell_quote", text, pipe:read("*a"))
	pipe:close()
end
same("a line break is refused", false, (pcall(found.shell_quote, "a\nb")))
same("NUL is refused", false, (pcall(found.shell_quote, "a\0b")))
local canary = io.open("canary")
same("no shell ran", nil, canary)

local json = found.json
for _, text in ipairs(HOSTILE) do
	same("a text comes back", text, json.decode(json.encode(text)))
end
for _, text in ipairs({
	'{}', '[]', '{"a":[]}', '[{},[],""]', 'null', '[null]', 'true', 'false', '0', '-0', '12',
	'1.50', '1e400', '123456789012345678901234567890', '-7', '"\\u00e9"', '{"a":1,"b":{"c":null}}',
}) do
	local value, why = json.decode(text)

	same("decoding " .. text .. " " .. tostring(why), false, value == nil)
	same("it comes back", text:gsub("\\u00e9", "\195\169"), (json.encode(value)))
end
same("escapes", '"\\/\b\f\n\r\t\240\159\152\128',
	json.decode('"\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00"'))
for _, text in ipairs({
	'', ' ', '{', '[', '"', '[1,]', '{"a":1,}', '{a:1}', "{'a':1}", '01', '1.', '.5', '+1', '1e',
	'nul', 'truefalse', '[1 2]', '{"a" 1}', '"\n"', '"\\x"', '"\\u12"', '"\\ud800"', '"\\udc00"',
	'{"a":1,"a":2}', '1 2', '"a" "b"', '0x10', 'NaN',
	("["):rep(1000) .. ("]"):rep(1000), '\0',
}) do
	same("'" .. text:sub(1, 20) .. "' is refused", nil, json.decode(text))
end
same("bytes that are not UTF-8", false, (pcall(json.encode, "\255")))
for _, text in ipairs({ "\192\128", "\224\128\128", "\237\160\128", "\244\144\128\128",
	"a\195" }) do
	same("wrong UTF-8", false, found.is_utf8(text))
end
same("UTF-8", true, found.is_utf8("\195\188\226\130\172\240\159\152\128"))

local function directives(text)
	local list, why = found.parse_directives(text)

	return list and table.concat(list, "|") or "refused: " .. why
end
for _, case in ipairs({
	{ "#!/bin/sh\n#DW jobdw a=b\necho\n", "#DW jobdw a=b" },
	{ "#!/bin/sh\n#SBATCH -N 1\n\n#DW a\n# text\n#DW b\n", "#DW a|#DW b" },
	{ "#!/bin/sh\necho\n#DW a\n", "" },
	{ "#!/bin/sh\n \n#DW a\n", "" },
	{ "#!/bin/sh\ncat <<END\n#DW a\nEND\n", "" },
	{ "#!/bin/sh\n#DW a \\\n#DW   b=c\n", "#DW a b=c" },
	{ "#!/bin/sh\n#DW a=\\\n#DWb\n", "#DW a=b" },
	{ "#!/bin/sh\n#DW a \\\n# text\n#DW b\n", "#DW a |#DW b" },
	{ "#!/bin/sh\n#DW a \\\n\n#DW b\n", "#DW a b" },
	{ "#!/bin/sh\n#DW a \\", "#DW a " },
	{ "#!/bin/sh\n#DWARF is a comment\n#dw a\n # DW b\n", "" },
	{ "#DW a", "#DW a" },
	{ "", "" },
	{ "#DW a\tb", "#DW a\tb" },
	{ '#DW "%s" $(x) `y` \'z\' {a: b}', '#DW "%s" $(x) `y` \'z\' {a: b}' },
	{ "#DW a\r\n", "refused: line 1: a #DW line holds a carriage return; " ..
		"convert the script with dos2unix" },
	{ "#\n#DW a\ruserID: 0\n", "refused: line 2: a #DW line holds a carriage return; " ..
		"convert the script with dos2unix" },
	{ "#DW a\27[m\n", "refused: line 1: a #DW line holds the control character 27" },
	{ "#DW a\255\n", "refused: line 1: a #DW line is not UTF-8" },
	{ "#DW a\0b\n", "refused: line 1 holds a NUL byte" },
	{ "#!/bin/sh\nexit 0\n\0", "" },
	{ "#DW " .. ("x"):rep(70000), "refused: line 1: the #DW lines hold more than 65536 bytes" },
	{ "#" .. ("x"):rep(1048577), "refused: the comments at the top are longer than 1048576 bytes" },
}) do
	same("directives of " .. case[1]:sub(1, 40), case[2], directives(case[1]))
end

os.exit(failed == 0 and 0 or 1)
