package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/auth"
)

func pullCommand(e *env) *cli.Command {
	o := &pullCommandOptions{}
	return &cli.Command{
		Name:      "pull",
		Usage:     "pull an image from its registry and print its ID",
		ArgsUsage: "IMAGE",
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only the ID, and no progress", Destination: &o.quiet},
			storageFlag(&o.storage),
			&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Hidden: true, Usage: "does nothing"},
		}, o.pullOptions.flags()),
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, "atomic pull", 1, 1); err != nil {
				return err
			}
			if err := e.storage(o.storage); err != nil {
				return err
			}
			o.image = c.Args().First()
			return runPull(c.Context, e, *o)
		},
	}
}

type pullCommandOptions struct {
	pullOptions
	storage string
	image   string
}

// runPull pulls an image whether or not it is there: the registry may have a
// newer one.
func runPull(ctx context.Context, e *env, o pullCommandOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		before, err := eng.Image(ctx, o.image)
		if err != nil && !isNotFound(err) {
			return err
		}
		id, err := e.pull(ctx, eng, o.image, o.pullOptions)
		if err != nil {
			return err
		}
		if before.ID == id && !o.quiet {
			e.notef("Latest version already installed.")
		}
		fmt.Fprintln(e.stdout, id)
		return nil
	})
}

// pullOptions are those of every command that may pull.
type pullOptions struct {
	creds     string
	authfile  string
	platform  string
	tlsVerify bool
	tlsSet    bool // tlsVerify was given
	quiet     bool // no progress
}

// flags are the options that pullOptions hold, but for quiet.
func (o *pullOptions) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "creds", Aliases: []string{"src-creds"}, Usage: "log in to the registry as `USER[:PASSWORD]`; the password is asked for if it is not there", Destination: &o.creds},
		&cli.StringFlag{Name: "authfile", Usage: "take credentials from `FILE`", Destination: &o.authfile},
		&cli.BoolFlag{
			Name: "tls-verify", Usage: "ask for HTTPS and a known certificate of the registry (podman only; docker has it in daemon.json)",
			Value: true, Destination: &o.tlsVerify,
			Action: func(*cli.Context, bool) error { o.tlsSet = true; return nil },
		},
		&cli.StringFlag{Name: "platform", Usage: "pull the image for `OS/ARCH[/VARIANT]`", Destination: &o.platform},
	}
}

// pull pulls an image, with the credentials that there are for its registry,
// and tells on standard error how it goes.
func (e *env) pull(ctx context.Context, eng images.Engine, ref string, o pullOptions) (id string, err error) {
	creds, err := e.credentials(ref, o)
	if err != nil {
		return "", err
	}
	insecure := o.tlsSet && !o.tlsVerify
	if insecure && e.kind == images.Docker {
		e.notef("atomic: --tls-verify=false means nothing to docker: it takes insecure-registries from daemon.json")
	}
	request := images.PullOptions{Auth: creds, Platform: o.platform, Insecure: insecure}
	if o.quiet {
		return eng.Pull(ctx, ref, request)
	}
	report := e.newPullReport(ref)
	request.Progress = report.take
	id, err = eng.Pull(ctx, ref, request)
	report.end(err)
	return id, err
}

// credentials are those that the user gives, or that an authentication file
// has for the registry. There need not be any.
func (e *env) credentials(ref string, o pullOptions) (*images.Credentials, error) {
	if o.creds == "" {
		return e.storedCredentials(ref, o.authfile)
	}
	creds, err := auth.Parse(o.creds)
	if err != nil {
		return nil, usageError{"atomic", err.Error()}
	}
	if creds.Password != "" {
		return creds, nil
	}
	creds.Password, err = e.askPassword("Password for " + printable(creds.Username) + ": ")
	if err != nil {
		return nil, hint(err, "give it with --creds USER:PASSWORD, or name a file that has it with --authfile FILE")
	}
	return creds, nil
}

// storedCredentials are those of the authentication files. What registry a
// short name means is Podman's to decide, by its registries.conf: credentials
// for docker.io must not go to another.
func (e *env) storedCredentials(ref, authfile string) (*images.Credentials, error) {
	files := auth.Files{AuthFile: authfile, Getenv: e.getenv, UID: e.uid}
	if e.kind == images.Podman && !hasRegistry(ref) {
		e.logf("credentials for %s: a short name, podman looks for its own", ref)
		return nil, auth.Check(files)
	}
	creds, source, err := auth.Find(ref, files)
	if creds != nil {
		e.logf("credentials for %s: %s", ref, source)
	}
	return creds, err
}

// hasRegistry tells whether a reference names its registry.
func hasRegistry(ref string) bool {
	first, _, ok := strings.Cut(ref, "/")
	return ok && (first == "localhost" || strings.ContainsAny(first, ".:"))
}
