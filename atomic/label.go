package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels"
	"github.com/projectatomic/atomic/labels/run"
)

// labelOptions are the options of every command that reads a label.
type labelOptions struct {
	name       string
	display    bool
	quiet      bool
	opts       [3]string
	optSet     [3]bool
	passEnv    cli.StringSlice
	allowUnset bool
	accept     cli.StringSlice
}

// flags are the options of a command that carries a label out.
func (o *labelOptions) flags() []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "display", Usage: "print the command instead of running it, and change nothing", Destination: &o.display},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "do not print the command and its risks", Destination: &o.quiet},
		&cli.StringSliceFlag{Name: "accept-risk", Usage: "accept the risk called `RISK`, such as host-command (repeatable)", Destination: &o.accept},
	}, o.variableFlags()...)
}

// variableFlags are the options that put values into a label.
func (o *labelOptions) variableFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "pass-env", Usage: "let the label see the variable `NAME` of your environment (repeatable)", Destination: &o.passEnv},
		&cli.BoolFlag{Name: "allow-unset", Usage: "take a variable that is not set as empty", Destination: &o.allowUnset},
	}
	for i := range o.opts {
		number := strconv.Itoa(i + 1)
		flags = append(flags, &cli.StringFlag{
			Name: "opt" + number, Usage: "`OPTIONS` for ${OPT" + number + "} in the label",
			Destination: &o.opts[i], Action: func(*cli.Context, string) error { o.optSet[i] = true; return nil },
		})
	}
	return flags
}

func (o *labelOptions) nameFlag() cli.Flag {
	return &cli.StringFlag{Name: "name", Aliases: []string{"n"}, Usage: "call the container `NAME`", Destination: &o.name}
}

// visible are the variables of the caller that every label may see.
var visible = []string{"USER", "LOGNAME", "LANG", "TERM", "TZ", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}

// lookupEnv tells an empty variable from one that is not set.
func (e *env) lookupEnv(name string) (string, bool) {
	prefix := name + "="
	for _, v := range e.environ() {
		if value, ok := strings.CutPrefix(v, prefix); ok {
			return value, true
		}
	}
	return "", false
}

// vars collects what a label may put in.
func (e *env) vars(image, name string, o *labelOptions) (labels.Vars, error) {
	v := labels.Vars{Image: image, Name: name, AllowUnset: o.allowUnset, Scalars: map[string]string{}, Lists: map[string]string{}}
	for _, known := range append(visible, o.passEnv.Value()...) {
		if value, ok := e.lookupEnv(known); ok {
			v.Scalars[known] = value
		}
	}
	dir, err := e.dir()
	if err != nil {
		return v, fmt.Errorf("finding the working directory: %w", err)
	}
	v.Scalars["PWD"] = dir
	v.Scalars["HOME"] = e.home()
	v.Scalars["SUDO_UID"], v.Scalars["SUDO_GID"] = e.sudoIDs()
	for i, set := range o.optSet {
		if set {
			v.Lists["OPT"+strconv.Itoa(i+1)] = o.opts[i]
		}
	}
	return v, nil
}

func (e *env) home() string {
	if home := e.getenv("HOME"); home != "" {
		return home
	}
	if u, err := user.LookupId(strconv.Itoa(e.uid)); err == nil {
		return u.HomeDir
	}
	return "/"
}

// sudoIDs tells who is behind sudo, su or a login: SUDO_UID and SUDO_GID where
// they are set, else the login's, else root's.
func (e *env) sudoIDs() (uid, gid string) {
	uid, gid = e.getenv("SUDO_UID"), e.getenv("SUDO_GID")
	if uid == "" {
		uid = loginUID()
	}
	if gid == "" {
		gid = "0"
		if u, err := user.LookupId(uid); err == nil {
			gid = u.Gid
		}
	}
	return uid, gid
}

func loginUID() string {
	const unset = 1<<32 - 1 // no login is behind the process
	data, err := os.ReadFile("/proc/self/loginuid")
	if err != nil {
		return "0"
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 32)
	if err != nil || id == unset {
		return "0"
	}
	return strconv.FormatUint(id, 10)
}

// read gives the meaning of a label of an image, with the file of run options
// that the image names.
func (e *env) read(text labels.Text, all map[string]string, vars labels.Vars, words []string) (labels.Reading, error) {
	if file, ok := labels.Find(all, "RUN_OPTS_FILE"); ok && text.Label == "RUN" {
		opts, found, err := optionsFile(file, vars)
		if err != nil {
			return labels.Reading{}, err
		}
		if found {
			vars.Lists["RUN_OPTS"] = opts
		}
	}
	return labels.Read(text, vars, words), nil
}

// maxOptionsFile bounds the file of run options.
const maxOptionsFile = 64 << 10

// optionsFile reads the file that RUN_OPTS_FILE names; there need not be one.
func optionsFile(file labels.Text, vars labels.Vars) (string, bool, error) {
	path, findings := labels.ReadPath(file, vars)
	for _, f := range findings {
		if f.Level == run.Error {
			return "", false, fmt.Errorf("reading the label RUN_OPTS_FILE: %s", f.Message)
		}
	}
	if !filepath.IsAbs(path) {
		return "", false, fmt.Errorf("reading the label RUN_OPTS_FILE: %q is not an absolute path", path)
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("reading the file of run options: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxOptionsFile+1))
	if err != nil {
		return "", false, fmt.Errorf("reading the file of run options %s: %w", path, err)
	}
	if len(data) > maxOptionsFile {
		return "", false, fmt.Errorf("reading the file of run options %s: it is larger than %d bytes", path, maxOptionsFile)
	}
	return string(data), true, nil
}

// localOrPulled gives the image, pulling it if it is not there. With display
// nothing is pulled: found is false then.
func (e *env) localOrPulled(ctx context.Context, eng images.Engine, ref string, display bool, o pullOptions) (img images.Image, found bool, err error) {
	img, err = eng.Image(ctx, ref)
	if err == nil || !isNotFound(err) {
		return img, err == nil, err
	}
	return e.pullMissing(ctx, eng, ref, display, o)
}

func (e *env) pullMissing(ctx context.Context, eng images.Engine, ref string, display bool, o pullOptions) (img images.Image, found bool, err error) {
	e.notef("Need to pull %s", ref)
	if display {
		return img, false, nil
	}
	id, err := e.pull(ctx, eng, ref, o)
	if err != nil {
		return img, false, err
	}
	img, err = eng.Image(ctx, id)
	return img, err == nil, err
}
