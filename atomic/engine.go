package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/docker"
	"github.com/projectatomic/atomic/images/podman"
)

func isNotFound(err error) bool { return errors.Is(err, images.ErrNotFound) }

// findEngine finds the engine and connects to it. The caller closes it.
func (e *env) findEngine(ctx context.Context) (images.Engine, error) {
	conf, err := loadConfig(e.getenv)
	if err != nil {
		return nil, err
	}
	for name, value := range conf.proxies() {
		if _, set := e.lookupEnv(name); !set && value != "" {
			if err := e.setenv(name, value); err != nil {
				return nil, fmt.Errorf("passing the proxy on: %w", err)
			}
		}
	}
	probes := images.Probe(ctx, images.ProbeEnv{Getenv: e.getenv, UID: e.uid})
	probes.Wanted, probes.ConfDocker, probes.ConfStorage = e.globals.engine, conf.defaultDocker, conf.defaultStorage
	choice, err := images.Detect(probes)
	for _, reason := range choice.Reasons {
		e.logf("engine: %s", reason)
	}
	if err != nil {
		return nil, err
	}
	e.kind, e.engineAdvice = choice.Kind, choice.Advice
	return e.open(ctx, choice)
}

// withEngine calls f with the engine and closes it.
func (e *env) withEngine(ctx context.Context, f func(images.Engine) error) (err error) {
	eng, err := e.findEngine(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, eng.Close()) }()
	return f(eng)
}

// openEngine connects to an engine, starting podman's service for the time if
// that is the choice.
func openEngine(ctx context.Context, choice images.Choice) (images.Engine, error) {
	if choice.Serve == "" {
		return connect(choice.Kind, choice.URL)
	}
	uri, stop, err := podman.Serve(ctx, choice.Serve)
	if err != nil {
		return nil, err
	}
	eng, err := connect(images.Podman, uri)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return served{eng, stop}, nil
}

func connect(kind images.Kind, url string) (images.Engine, error) {
	if kind == images.Docker {
		return docker.New(url)
	}
	return podman.New(url)
}

// served is an engine whose service is ours to end.
type served struct {
	images.Engine
	stop func() error
}

func (s served) Close() error { return errors.Join(s.Engine.Close(), s.stop()) }
