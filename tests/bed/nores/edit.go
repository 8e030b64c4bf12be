package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const unwanted = "CAP_SYS_RESOURCE"

// edited finds the file of a runc command line that lists capabilities. With
// inConfig the list is in the process of a config.json; without it the file is
// the process. The file is empty for commands that start nothing.
func edited(args []string) (file string, inConfig bool) {
	verb := slices.IndexFunc(args, func(s string) bool {
		return s == "create" || s == "run" || s == "exec"
	})
	if verb < 0 {
		return "", false
	}
	if args[verb] == "exec" {
		return value(args[verb+1:], "--process", "-p"), false
	}
	return filepath.Join(value(args[verb+1:], "--bundle", "-b"), "config.json"), true
}

// value is that of an option spelled "--long v", "--long=v" or "-s v".
func value(args []string, long, short string) string {
	for i, arg := range args {
		if v, ok := strings.CutPrefix(arg, long+"="); ok {
			return v
		}
		if (arg == long || arg == short) && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

// edit rewrites the file in place: engines give it only to the runtime that
// they are about to start.
func edit(file string, inConfig bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(unwanted)) {
		return nil
	}
	out, err := without(text, inConfig)
	if err != nil {
		return err
	}
	return os.WriteFile(file, out, 0o600)
}

// without keeps every other member of the JSON as it is, known or not.
func without(text []byte, inConfig bool) ([]byte, error) {
	if !inConfig {
		return editMember(text, "capabilities", editSets)
	}
	return editMember(text, "process", func(process json.RawMessage) (json.RawMessage, error) {
		return editMember(process, "capabilities", editSets)
	})
}

func editMember(text json.RawMessage, name string, f func(json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	member, ok := members[name]
	if !ok {
		return text, nil
	}
	member, err := f(member)
	if err != nil {
		return nil, err
	}
	members[name] = member
	return json.Marshal(members)
}

func editSets(text json.RawMessage) (json.RawMessage, error) {
	var sets map[string][]string
	if err := json.Unmarshal(text, &sets); err != nil {
		return nil, err
	}
	for name, set := range sets {
		sets[name] = slices.DeleteFunc(set, func(c string) bool { return c == unwanted })
	}
	return json.Marshal(sets)
}
