package main

import (
	"os"
	"strconv"
	"strings"
)

// A child is a process whose parent is this one.
type child struct {
	pid    int
	zombie bool
}

func (p *processes) children() []child {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var children []child
	self := os.Getpid()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // gone
		}
		if state, parent, ok := parseStat(string(text)); ok && parent == self {
			children = append(children, child{pid: pid, zombie: state == "Z"})
		}
	}
	return children
}

// parseStat reads the state and the parent from /proc/PID/stat. The name
// before them is in parentheses and may hold anything.
func parseStat(text string) (state string, parent int, ok bool) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return "", 0, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 2 {
		return "", 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return fields[0], parent, err == nil
}
