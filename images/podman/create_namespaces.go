package podman

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

func (w *renderer) namespaces() {
	s, out := &w.spec, &w.out
	out.PidNS = w.namespace("PID", s.PID)
	out.IpcNS = w.namespace("IPC", s.IPC, "shareable", "none")
	out.UtsNS = w.namespace("UTS", s.UTS)
	out.CgroupNS = w.namespace("CgroupNS", s.CgroupNS)
	out.CgroupParent = s.CgroupParent
	w.userNS()
}

// namespace reads what all namespaces have, and the further modes of some.
func (w *renderer) namespace(field string, ns run.Namespace, further ...string) Namespace {
	mode, value, _ := strings.Cut(string(ns), ":")
	switch mode {
	case "":
		return Namespace{}
	case "host", "private", "pod":
		if value == "" {
			return Namespace{Mode: mode}
		}
	case "container", "ns":
		if value != "" {
			return Namespace{Mode: orElse(map[string]string{"ns": "path"}[mode], mode), Value: value}
		}
	}
	for _, m := range further {
		if string(ns) == m {
			return Namespace{Mode: m}
		}
	}
	w.bad(field, "%q is not a namespace that Podman knows", string(ns))
	return Namespace{}
}

// userNS makes the user namespace, and the mappings that the service wants to
// be told although they follow from the mode.
func (w *renderer) userNS() {
	mode, value, _ := strings.Cut(string(w.spec.UserNS), ":")
	out := &w.out
	switch mode {
	case "auto":
		out.UserNS = Namespace{Mode: mode, Value: value}
		out.IDMappings = &IDMappings{AutoUserNs: true, AutoUserNsOpts: w.auto(value)}
	case "keep-id":
		out.UserNS = Namespace{Mode: mode, Value: value}
		out.IDMappings = &IDMappings{}
	case "nomap":
		out.UserNS = Namespace{Mode: "no-map"}
		out.IDMappings = &IDMappings{}
	default:
		out.UserNS = w.namespace("UserNS", w.spec.UserNS)
	}
}

// auto reads the options of auto:size=…,uidmapping=…,gidmapping=….
func (w *renderer) auto(options string) AutoUserNs {
	var o AutoUserNs
	if options == "" {
		return o
	}
	for word := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "size":
			var size uint64
			size, err = strconv.ParseUint(value, 10, 32)
			o.Size = uint32(size)
		case "uidmapping":
			err = addMap(&o.AdditionalUIDMappings, value)
		case "gidmapping":
			err = addMap(&o.AdditionalGIDMappings, value)
		default:
			err = strconv.ErrSyntax
		}
		if err != nil {
			w.bad("UserNS", "%q is not size=N, uidmapping=… or gidmapping=…", word)
		}
	}
	return o
}

// addMap reads CONTAINER:HOST:SIZE.
func addMap(maps *[]IDMap, value string) error {
	var m IDMap
	if n, err := fmt.Sscanf(value, "%d:%d:%d", &m.Container, &m.Host, &m.Size); err != nil || n != 3 {
		return strconv.ErrSyntax
	}
	*maps = append(*maps, m)
	return nil
}
