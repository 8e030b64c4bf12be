package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// confEnv writes a configuration and gives the environment that names it.
func confEnv(t *testing.T, text string) (path string, getenv func(string) string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "atomic.conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, confAt(path)
}

func confAt(path string) func(string) string {
	return func(name string) string {
		if name == "ATOMIC_CONF" {
			return path
		}
		return ""
	}
}

func TestLoadConfig(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want config
	}{
		"empty":         {"", config{}},
		"only comments": {"# default_docker: docker\n---\n", config{}},
		"all keys": {
			"default_docker: docker-latest\ndefault_storage: ostree\nhttp_proxy: http://p:1\nhttps_proxy: 'http://p:2'\nno_proxy: a,b\n",
			config{"docker-latest", "ostree", "http://p:1", "http://p:2", "a,b"},
		},
		"upper case":              {"DEFAULT_DOCKER: podman\nNO_PROXY: x\n", config{defaultDocker: "podman", noProxy: "x"}},
		"lower case wins":         {"DEFAULT_DOCKER: podman\ndefault_docker: docker\n", config{defaultDocker: "docker"}},
		"mixed case is not a key": {"Default_Docker: podman\n", config{}},
		"no value":                {"default_docker:\nDEFAULT_DOCKER: podman\n", config{defaultDocker: "podman"}},
		"empty value":             {"default_docker: ''\nDEFAULT_DOCKER: podman\n", config{defaultDocker: "podman"}},
		"others' keys":            {"default_scanner: 5\nsigstore: [a, b]\nx: {y: z}\ndefault_storage: docker\n", config{defaultStorage: "docker"}},
		"windows line ends":       {"default_docker: podman\r\nno_proxy: x\r\n", config{defaultDocker: "podman", noProxy: "x"}},
		"json is yaml":            {`{"default_docker": "podman"}`, config{defaultDocker: "podman"}},
		"a quoted true":           {"no_proxy: 'true'\n", config{noProxy: "true"}},
		"text beyond ASCII":       {"no_proxy: bücher.example\n", config{noProxy: "bücher.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, getenv := confEnv(t, test.text)
			got, err := loadConfig(getenv)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestLoadConfigMalformed(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string
	}{
		"first line":        {"a: b: c\n", "line 1: mapping values"},
		"tab":               {"a: b\n\tc: d\n", "line 2: found a tab"},
		"open bracket":      {"a: b\nc: [\n", "line 2: did not find"},
		"anchor":            {"a: b\n\n# more\nc: *gone\nd: e\n", "line 4: unknown anchor"},
		"merge":             {"a: b\nx: y\n<<: z\n", "line 3: map merge"},
		"not UTF-8":         {"a: b\nc: \xff\n", "line 2: this is not UTF-8"},
		"control character": {"a: b\n\nc: \x00\n", "line 3: control character 0x0"},
		"a word":            {"docker\n", "line 1: it is to be"},
		"a list":            {"- a: b\n", "line 1: it is to be"},
		"list value":        {"a: b\ndefault_docker: [docker]\n", "line 2: default_docker is to be a text, not a list"},
		"mapping value":     {"a: b\nc: d\nDEFAULT_STORAGE:\n  x: y\n", "line 3: DEFAULT_STORAGE is to be a text, not a mapping"},
		"number value":      {"no_proxy: 127\n", "line 1: no_proxy is to be a text, not a number; put it in quotes"},
		"truth value":       {"\n'http_proxy': off\n", "line 2: http_proxy is to be a text, not true or false; put it in quotes"},
	} {
		t.Run(name, func(t *testing.T) {
			path, getenv := confEnv(t, test.text)
			got, err := loadConfig(getenv)
			if err == nil {
				t.Fatalf("no error, got %+v", got)
			}
			if got != (config{}) {
				t.Errorf("with the error came %+v", got)
			}
			for _, want := range []string{path, test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestLoadConfigFile(t *testing.T) {
	dir := t.TempDir()
	if conf, err := loadConfig(confAt(filepath.Join(dir, "gone"))); err != nil || conf != (config{}) {
		t.Errorf("a file that is not there: %+v, %v", conf, err)
	}
	if _, err := loadConfig(confAt(dir)); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := loadConfig(confAt(filepath.Join(dir, "a\x00b"))); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an impossible name: %v", err)
	}
	large, getenv := confEnv(t, strings.Repeat("# comment\n", configLimit/10+1))
	if _, err := loadConfig(getenv); err == nil || !strings.Contains(err.Error(), large) {
		t.Errorf("a file that is too large: %v", err)
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{"default_docker: docker\n", "a: &b [*b]", "<<: {x: y}", "\xff", "? [a]\n: b", "no_proxy: 1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := parseConfig(data)
		if err != nil && !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("error without a line: %q", err)
		}
	})
}
