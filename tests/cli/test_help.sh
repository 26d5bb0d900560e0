#!/bin/bash
# What the program tells about itself: help, man pages, completion, version.
# servers: none

# run ARG...: exit code in $code, output in $TEST_DIR/out and err.
run()
{
	"$DWS_CSM" "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
	code=$?
}

out()
{
	cat "$TEST_DIR/out"
}

# The names of all commands, a line each, as the completion knows them.
command_names()
{
	"$DWS_CSM" completion bash |
		sed -nE "/^_dws_csm_options/,\$s/^\t'(.*)'\)\$/\1/p"
}

test_overview_lists_every_command()
{
	local name

	run help
	assertEquals 'exit code' 0 "$code"
	assertEquals 'standard error' '' "$(cat "$TEST_DIR/err")"
	[ "$(command_names | wc -l)" -ge 13 ] || fail 'too few commands'
	while read -r name; do
		assertContains "$(out)" "  $name "
	done < <(command_names)
}

test_without_arguments_it_is_the_overview()
{
	run help
	mv "$TEST_DIR/out" "$TEST_DIR/help"
	run
	assertEquals 'exit code' 0 "$code"
	assertEquals "$(cat "$TEST_DIR/help")" "$(out)"
	run --help
	assertEquals 'exit code' 0 "$code"
	assertEquals "$(cat "$TEST_DIR/help")" "$(out)"
}

test_every_command_has_long_help()
{
	local name words heading

	while read -r name; do
		read -ra words <<<"$name"
		run help "${words[@]}"
		assertEquals "exit code of help $name" 0 "$code"
		for heading in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES \
			'EXIT STATUS'; do
			grep -qx "$heading" "$TEST_DIR/out" ||
				fail "no $heading in help $name"
		done
		assertEquals "lines of help $name beyond 78 columns" '' \
			"$(grep -vE '^ {8}' "$TEST_DIR/out" | grep -E '.{79}')"
		assertEquals "escapes in help $name" '' \
			"$(grep -F "$(printf '\033')" "$TEST_DIR/out")"
		mv "$TEST_DIR/out" "$TEST_DIR/help"
		run "${words[@]}" --help
		assertEquals "exit code of $name --help" 0 "$code"
		assertEquals "$(cat "$TEST_DIR/help")" "$(out)"
	done < <(command_names)
}

test_help_shows_only_options_that_the_command_takes()
{
	run help install
	assertContains "$(out)" '--webhook-certs WHO'
	assertNotContains "$(out)" '--delete-namespace'
	run help uninstall
	assertContains "$(out)" '--delete-namespace'
	assertNotContains "$(out)" '--webhook-certs'
}

test_help_of_the_program_tells_all_exit_codes()
{
	local code

	run help dws-csm
	for code in 0 1 2 3 4 5 6 7 8 9 10 11; do
		grep -qE "^ {4}$code " "$TEST_DIR/out" || fail "no code $code"
	done
}

test_unknown_commands_are_refused_with_a_hint()
{
	run help instal
	assertEquals 'exit code' 2 "$code"
	assertContains "$(cat "$TEST_DIR/err")" "did you mean 'install'?"
	run images
	assertEquals 'exit code' 2 "$code"
	assertContains "$(cat "$TEST_DIR/err")" 'list, push, pull'
	run images psuh --help
	assertEquals 'exit code' 2 "$code"
	assertContains "$(cat "$TEST_DIR/err")" "did you mean 'images push'?"
	run help --man nonsense
	assertEquals 'exit code' 2 "$code"
	assertEquals '' "$(out)"
}

test_help_of_the_first_word_of_two_lists_the_second()
{
	run help images
	assertEquals 'exit code' 0 "$code"
	assertContains "$(out)" '  images push '
	assertNotContains "$(out)" ' install '
	mv "$TEST_DIR/out" "$TEST_DIR/help"
	run images --help
	assertEquals 'exit code' 0 "$code"
	assertEquals "$(cat "$TEST_DIR/help")" "$(out)"
	run -v images -h
	assertEquals "$(cat "$TEST_DIR/help")" "$(out)"
}

test_a_mistake_in_the_configuration_keeps_nobody_from_the_help()
{
	local words

	echo 'registri: nexus.example.com' >"$TEST_DIR/config.yaml"
	export DWS_CSM_CONFIG=$TEST_DIR/config.yaml
	for words in help version 'completion bash' 'install --help' \
		'help install'; do
		# shellcheck disable=SC2086 # words
		run $words
		assertEquals "exit code of $words" 0 "$code"
		assertEquals "complaint of $words" '' "$(cat "$TEST_DIR/err")"
	done
	run manifests
	assertEquals 'exit code' 2 "$code"
	assertContains "$(cat "$TEST_DIR/err")" "did you mean '--registry'?"
	unset DWS_CSM_CONFIG
}

test_wrong_values_are_refused_before_anything_is_done()
{
	local line

	while read -r line; do
		# shellcheck disable=SC2086 # words
		run install --kubeconfig /nowhere $line
		assertEquals "exit code of install $line" 2 "$code"
		assertContains "install $line" "$(cat "$TEST_DIR/err")" \
			"'${line%% *}'"
		assertNotContains "install $line" "$(cat "$TEST_DIR/err")" \
			s3cret
	done <<-'END'
	--replicas 99999999999
	--jobs 0
	--timeout 0
	--platform foo
	--registry https://registry.local
	--registry admin:s3cret@registry.local
	--registry registry.local:70000
	--registry-ca /nowhere/ca.crt
	--authfile /nowhere/auth.json
	END
}

test_one_run_options_are_no_defaults()
{
	DWS_CSM_DRY_RUN=1 run install --kubeconfig /nowhere
	assertEquals 'exit code' 2 "$code"
	assertContains "$(cat "$TEST_DIR/err")" "'DWS_CSM_DRY_RUN' is set"
	DWS_CSM_YES=1 run uninstall --kubeconfig /nowhere
	assertEquals 'exit code' 2 "$code"
	DWS_CSM_OUTPUT=table run manifests
	assertEquals 'exit code' 0 "$code"
	assertEquals 'the first line' 'apiVersion: v1' "$(head -n 1 <<<"$(out)")"
}

test_man_pages_are_sound()
{
	local page

	command -v mandoc >/dev/null || startSkipping
	for page in docs/man/*.md; do
		page=${page##*/}
		page=${page%.md}
		SOURCE_DATE_EPOCH=1790000000 run help --man "$page"
		assertEquals "exit code of $page" 0 "$code"
		assertEquals "lint of $page" '' \
			"$(mandoc -Tlint -W warning <"$TEST_DIR/out" 2>&1)"
	done
}

test_man_pages_are_reproducible()
{
	SOURCE_DATE_EPOCH=1790000000 run help --man install
	assertContains "$(out)" '.TH "DWS-CSM-INSTALL" "8" "2026-09-21"'
	run help --man install
	assertContains "$(out)" '.TH "DWS-CSM-INSTALL" "8" ""'
}

test_help_tells_of_a_full_disk()
{
	"$DWS_CSM" help >/dev/full 2>"$TEST_DIR/err"
	assertEquals 'exit code' 1 $?
	assertContains "$(cat "$TEST_DIR/err")" 'No space left'
}

test_a_reader_who_has_gone_has_seen_enough()
{
	{
		"$DWS_CSM" manifests 2>"$TEST_DIR/err"
		echo $? >"$TEST_DIR/code"
	} | true
	assertEquals 'exit code' 0 "$(cat "$TEST_DIR/code")"
	assertEquals '' "$(cat "$TEST_DIR/err")"
}

test_closed_standard_output_is_told()
{
	"$DWS_CSM" manifests >&- 2>"$TEST_DIR/err"
	assertEquals 'exit code' 1 $?
	assertContains "$(cat "$TEST_DIR/err")" 'Bad file descriptor'
}

test_version()
{
	run version
	assertEquals 'exit code' 0 "$code"
	assertContains "$(out)" 'dws-csm '
	assertEquals "$(out)" "$("$DWS_CSM" --version)"
	run version -o json
	assertEquals 'exit code' 0 "$code"
	assertEquals dws-csm "$(python3 -c 'import json, sys
print(json.load(sys.stdin)["name"])' <"$TEST_DIR/out")"
	run version -o xml
	assertEquals 'exit code' 2 "$code"
	run version extra
	assertEquals 'exit code' 2 "$code"
}

# complete WORD...: what bash offers for the last word.
complete_words()
{
	"$DWS_CSM" completion bash >"$TEST_DIR/completion"
	# shellcheck disable=SC2016 # for the shell inside
	bash -c '
		source "$1" || exit 1
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_dws_csm
		echo "${COMPREPLY[*]}"' complete "$TEST_DIR/completion" "$@"
}

test_bash_completes_commands()
{
	assertEquals uninstall "$(complete_words dws-csm un)"
	assertEquals 'list push pull' "$(complete_words dws-csm images '')"
	assertEquals 'bash zsh fish' "$(complete_words dws-csm completion '')"
	assertEquals install "$(complete_words dws-csm help in)"
	assertEquals 'list push pull' \
		"$(complete_words dws-csm help images '')"
	assertEquals 'kube-rbac-proxy' \
		"$(complete_words dws-csm images push dws kube)"
}

test_bash_completes_options_and_values()
{
	assertEquals '--registry --registry-username --registry-password-stdin --registry-ca' \
		"$(complete_words dws-csm install --reg)"
	assertEquals '--wait' "$(complete_words dws-csm install --wa)"
	assertEquals '--no-wait' "$(complete_words dws-csm install --no-w)"
	assertEquals '' "$(complete_words dws-csm status --reg)"
	assertEquals 'table json yaml' \
		"$(complete_words dws-csm status --output '')"
	assertEquals yaml "$(complete_words dws-csm status --output = y)"
	assertEquals json "$(complete_words dws-csm status -o j)"
	assertEquals 'yaml json' "$(complete_words dws-csm manifests -o '')"
	assertEquals '0.0.20 0.1.17' \
		"$(complete_words dws-csm install --version '')"
	touch "$TEST_DIR/kubeconfig-of-test"
	assertEquals "$TEST_DIR/kubeconfig-of-test" \
		"$(complete_words dws-csm status --kubeconfig "$TEST_DIR/kubeconfig-o")"
}

# bash gives the words cut at = and : as well, and wants the last piece.
test_bash_completes_sources_of_images()
{
	touch "$TEST_DIR/images.tar"
	assertEquals 'oci: oci-archive:' \
		"$(complete_words dws-csm install --from oc)"
	assertEquals 'dir:' "$(complete_words dws-csm install --from = di)"
	assertEquals 'dir: docker-archive: docker:// dws=' \
		"$(complete_words dws-csm install --from d | xargs -n 1 |
			sort | xargs)"
	assertEquals "$TEST_DIR/images.tar" "$(complete_words dws-csm install \
		--from docker-archive : "$TEST_DIR/im")"
	assertEquals 'docker-archive:' \
		"$(complete_words dws-csm images push --from dws = docker-a)"
	assertEquals "$TEST_DIR/images.tar" "$(complete_words dws-csm install \
		--from dws = oci-archive : "$TEST_DIR/im")"
	assertEquals '' "$(complete_words dws-csm install --from docker : //x)"
}

test_fish_completes_as_bash_does()
{
	command -v fish >/dev/null || startSkipping
	run completion fish
	fish_words()
	{
		fish --no-config -c "source $TEST_DIR/out
			complete -C '$1'" | cut -f 1 | LC_ALL=C sort | xargs
	}
	assertEquals 'uninstall' "$(fish_words 'dws-csm uni')"
	assertEquals 'list pull push' "$(fish_words 'dws-csm help images ')"
	assertEquals '0.0.20 0.1.17' \
		"$(fish_words 'dws-csm install --version ')"
	assertEquals 'oci-archive: oci:' \
		"$(fish_words 'dws-csm install --from oc')"
	assertEquals 'json' "$(fish_words 'dws-csm manifests -o j')"
}

test_completion_scripts_parse()
{
	local shell

	for shell in bash zsh fish; do
		command -v "$shell" >/dev/null || continue
		run completion "$shell"
		assertEquals "exit code of $shell" 0 "$code"
		"$shell" -n "$TEST_DIR/out" || fail "$shell refuses its script"
	done
	run completion csh
	assertEquals 'exit code' 2 "$code"
	run completion
	assertEquals 'exit code' 2 "$code"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
