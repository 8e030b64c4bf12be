package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completionWorld has the program atomic in its $PATH, which answers as atomic
// did a moment ago, and the script of a shell in a file.
func completionWorld(t *testing.T, shell string) (script string, environ []string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no %s here; go run ./tests/bed install brings it", shell)
		}
		t.Skipf("no %s here", shell)
	}
	te := newTestEnv(t)
	te.addImage(te.now(), map[string]string{"n": "1"}, "team/web:1")
	te.addImage(te.now(), map[string]string{"n": "2"}, "team/tool:latest")
	te.addContainer("web1", "team/web:1", true)
	program := "#!/bin/sh\ncase $1 in\nimages) cat <<'END'\n" + te.mustRun("images", "list", "--noheading") +
		"END\n;;\ncontainers) cat <<'END'\n" + te.mustRun("containers", "list", "--all", "--noheading") + "END\n;;\nesac\n"
	dir := t.TempDir()
	script = filepath.Join(dir, "completion")
	for name, text := range map[string]string{"atomic": program, "completion": te.mustRun("completion", shell)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return script, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
}

// completionShells ask a shell to complete $LINE, with the script in $SCRIPT.
var completionShells = map[string]string{
	"bash": `source "$SCRIPT"; COMP_LINE=$LINE COMP_POINT=${#LINE}; _atomic; printf '%s\n' "${COMPREPLY[@]}"`,
	"zsh": `compdef() { :; }; source "$SCRIPT"
		words=("${(@s: :)LINE}"); CURRENT=$#words; compadd() { print -l -- "${(@M)found:#${words[CURRENT]}*}"; }; _files() { :; }; _atomic`,
	"fish": `source $SCRIPT; complete -C "$LINE"`,
}

func TestCompletion(t *testing.T) {
	lines := []struct {
		line string
		want []string // all of them, unless the last is …
	}{
		{"atomic ins", []string{"install"}},
		{"atomic --engine docker un", []string{"uninstall"}},
		{"atomic images ", []string{"list", "delete", "prune", "tag", "info", "version"}},
		{"atomic --engine ", []string{"docker", "podman"}},
		{"atomic run --accept-risk ", []string{"host-command"}},
		{"atomic run --eph", []string{"--ephemeral"}},
		{"atomic run --display team/to", []string{"team/tool"}},
		{"atomic run ", []string{"team/tool", "team/web:1"}},
		{"atomic run --name x te", []string{"team/tool", "team/web:1"}},
		{"atomic run team/tool --eph", nil},
		{"atomic images delete team/tool team/w", []string{"team/web:1"}},
		{"atomic info team/tool --js", []string{"--json"}},
		{"atomic stop ", []string{"web1"}},
		{"atomic completion z", []string{"zsh"}},
	}
	for shell, ask := range completionShells {
		t.Run(shell, func(t *testing.T) {
			script, environ := completionWorld(t, shell)
			for _, tt := range lines {
				cmd := exec.CommandContext(t.Context(), shell, "-c", ask)
				cmd.Env = append(environ, "SCRIPT="+script, "LINE="+tt.line)
				cmd.Dir = t.TempDir()
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%q: %v", tt.line, err)
				}
				var got []string
				for line := range strings.Lines(string(out)) {
					word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
					if word != "" {
						got = append(got, word)
					}
				}
				want := slices.Clone(tt.want)
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Errorf("%q: got %q, want %q", tt.line, got, want)
				}
			}
		})
	}
}

// Bash breaks words at colons; what it is given must begin behind the last.
func TestCompletionBashColon(t *testing.T) {
	script, environ := completionWorld(t, "bash")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", completionShells["bash"])
	cmd.Env = append(environ, "SCRIPT="+script, "LINE=atomic run team/web:")
	out, err := cmd.Output()
	if string(out) != "1\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// An engine that is not there leaves nothing behind on the screen.
func TestCompletionSilent(t *testing.T) {
	script, environ := completionWorld(t, "bash")
	failing := "#!/bin/sh\necho no engine >&2\nexit 6\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(script), "atomic"), []byte(failing), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", completionShells["bash"])
	cmd.Env = append(environ, "SCRIPT="+script, "LINE=atomic run ")
	out, err := cmd.CombinedOutput()
	if strings.TrimSpace(string(out)) != "" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestCompletionUsage(t *testing.T) {
	te := newTestEnv(t)
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", "bash", "zsh"}} {
		if _, stderr, status := te.run(args...); status != exitUsage || !strings.HasPrefix(stderr, "atomic completion: ") {
			t.Errorf("%q: status %d, %s", args, status, stderr)
		}
	}
}
