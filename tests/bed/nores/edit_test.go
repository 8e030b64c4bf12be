package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestEdited(t *testing.T) {
	tests := []struct {
		args     []string
		file     string
		inConfig bool
	}{
		{args: []string{"--root", "/r", "create", "--bundle", "/b", "--pid-file", "/p", "id"}, file: "/b/config.json", inConfig: true},
		{args: []string{"run", "-b", "/b", "id"}, file: "/b/config.json", inConfig: true},
		{args: []string{"run", "--bundle=/b", "id"}, file: "/b/config.json", inConfig: true},
		{args: []string{"run", "id"}, file: "config.json", inConfig: true},
		{args: []string{"--log", "/l", "exec", "--process", "/p.json", "--detach", "id"}, file: "/p.json"},
		{args: []string{"exec", "-p", "/p.json", "id"}, file: "/p.json"},
		{args: []string{"exec", "id", "true"}},
		{args: []string{"--root", "/r", "delete", "--force", "id"}},
		{args: []string{"--version"}},
		{},
	}
	for _, tt := range tests {
		file, inConfig := edited(tt.args)
		if file != tt.file || inConfig != tt.inConfig {
			t.Errorf("edited(%q) = %q, %v; want %q, %v", tt.args, file, inConfig, tt.file, tt.inConfig)
		}
	}
}

func TestEdit(t *testing.T) {
	tests := []struct {
		name     string
		inConfig bool
		in, want string
	}{
		{
			name:     "config",
			inConfig: true,
			in: `{"ociVersion":"1.0.2","process":{"user":{"uid":0},"capabilities":{
				"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"effective":["CAP_SYS_RESOURCE","CAP_KILL"]}},"big":12345678901234567890}`,
			want: `{"ociVersion":"1.0.2","process":{"user":{"uid":0},"capabilities":{
				"bounding":["CAP_CHOWN"],"effective":["CAP_KILL"]}},"big":12345678901234567890}`,
		},
		{
			name: "process",
			in:   `{"cwd":"/","capabilities":{"permitted":["CAP_SYS_RESOURCE"]}}`,
			want: `{"cwd":"/","capabilities":{"permitted":[]}}`,
		},
		{
			name:     "no such capability",
			inConfig: true,
			in:       `{"process":{"capabilities":{"bounding":["CAP_KILL"]}}}`,
			want:     `{"process":{"capabilities":{"bounding":["CAP_KILL"]}}}`,
		},
		{
			name:     "only as text",
			inConfig: true,
			in:       `{"process":{"args":["CAP_SYS_RESOURCE"]}}`,
			want:     `{"process":{"args":["CAP_SYS_RESOURCE"]}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.json")
			if err := os.WriteFile(file, []byte(tt.in), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := edit(file, tt.inConfig); err != nil {
				t.Fatal(err)
			}
			out, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := members(t, out), members(t, []byte(tt.want)); !reflect.DeepEqual(got, want) {
				t.Errorf("got %s\nwant %s", out, tt.want)
			}
		})
	}
}

func TestEditRefusesWhatIsNoJSON(t *testing.T) {
	if _, err := without([]byte(`CAP_SYS_RESOURCE`), true); err == nil {
		t.Error("no error")
	}
}

// members keeps large numbers apart, which a float64 would not.
func members(t *testing.T, text []byte) any {
	t.Helper()
	var v map[string]json.RawMessage
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := map[string]any{}
	for name, raw := range v {
		var member any
		if err := json.Unmarshal(raw, &member); err != nil {
			t.Fatal(err)
		}
		if _, ok := member.(float64); ok {
			member = string(raw)
		}
		out[name] = member
	}
	return out
}
