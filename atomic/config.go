package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// configFile is where the configuration is, unless ATOMIC_CONF names a file.
const configFile = "/etc/atomic.conf"

// configLimit is more than any configuration needs, in bytes.
const configLimit = 1 << 20

// A config is what /etc/atomic.conf says, as far as this program asks it. Keys
// that are not here (those of the scanners, of ostree, of signing) are left
// alone: the same file may serve another tool.
type config struct {
	defaultDocker  string // docker, docker-latest, podman
	defaultStorage string // docker, ostree, containers-storage
	httpProxy      string
	httpsProxy     string
	noProxy        string
}

// proxies are the variables that programs started by atomic find their proxies
// in: podman's service, and a label's program on the host.
func (c config) proxies() map[string]string {
	return map[string]string{"HTTP_PROXY": c.httpProxy, "HTTPS_PROXY": c.httpsProxy, "NO_PROXY": c.noProxy}
}

// loadConfig reads the configuration. A file that is not there, or is empty,
// gives the zero config.
func loadConfig(getenv func(string) string) (config, error) {
	path := getenv("ATOMIC_CONF")
	if path == "" {
		path = configFile
	}
	data, err := readConfig(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config{}, nil
	}
	if err != nil {
		return config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	conf, err := parseConfig(data)
	if err != nil {
		return config{}, fmt.Errorf("configuration %q: %w", path, err)
	}
	return conf, nil
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, configLimit+1))
	if err == nil && len(data) > configLimit {
		err = fmt.Errorf("%q has more than %d bytes", path, configLimit)
	}
	return data, err
}

func parseConfig(data []byte) (config, error) {
	if err := checkText(data); err != nil {
		return config{}, err
	}
	var document any
	if err := yaml.Unmarshal(data, &document); err != nil {
		return config{}, yamlProblem(data, err)
	}
	values, ok := document.(map[string]any)
	if document != nil && !ok {
		return config{}, errors.New("line 1: it is to be a list of lines KEY: VALUE")
	}
	var conf config
	for _, field := range []struct {
		key string
		to  *string
	}{
		{"default_docker", &conf.defaultDocker},
		{"default_storage", &conf.defaultStorage},
		{"http_proxy", &conf.httpProxy},
		{"https_proxy", &conf.httpsProxy},
		{"no_proxy", &conf.noProxy},
	} {
		value, err := lookup(values, field.key)
		if err != nil {
			return config{}, fmt.Errorf("line %d: %w", lineOf(data, field.key), err)
		}
		*field.to = value
	}
	return conf, nil
}

// lookup tries a key in lower case and then in upper case. A key without a
// value counts as absent.
func lookup(values map[string]any, key string) (string, error) {
	for _, k := range []string{key, strings.ToUpper(key)} {
		switch v := values[k].(type) {
		case nil:
		case string:
			if v != "" {
				return v, nil
			}
		default:
			return "", fmt.Errorf("%s is to be a text, not %s", k, kindOfYAML(v))
		}
	}
	return "", nil
}

func kindOfYAML(v any) string {
	switch v.(type) {
	case bool:
		return "true or false; put it in quotes"
	case float64:
		return "a number; put it in quotes"
	case []any:
		return "a list"
	}
	return "a mapping"
}

// yamlProblem is the part of the library's error that tells the user
// something: the line and what is wrong there. Where the library names no
// line, it is the last of the shortest beginning of the text that has the same
// error.
func yamlProblem(data []byte, err error) error {
	_, text, ok := strings.Cut(err.Error(), "yaml: ")
	if !ok {
		text = err.Error()
	}
	if strings.HasPrefix(text, "line ") {
		return errors.New(text)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	last := sort.Search(len(lines), func(n int) bool {
		part := yaml.Unmarshal(bytes.Join(lines[:n+1], nil), new(any))
		return part != nil && part.Error() == err.Error()
	})
	return fmt.Errorf("line %d: %s", last+1, text)
}

// checkText finds the bytes that YAML refuses without telling where they are.
func checkText(data []byte) error {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		line := 1 + bytes.Count(data[:i], []byte("\n"))
		switch {
		case r == utf8.RuneError && size == 1:
			return fmt.Errorf("line %d: this is not UTF-8", line)
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return fmt.Errorf("line %d: control character %#x", line, r)
		}
		i += size
	}
	return nil
}

// lineOf finds the line of a key at the top of the document, in either case.
func lineOf(data []byte, key string) int {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		name, _, ok := bytes.Cut(line, []byte(":"))
		if ok && strings.EqualFold(strings.Trim(string(name), `"' `), key) {
			return n
		}
	}
	return 1
}
