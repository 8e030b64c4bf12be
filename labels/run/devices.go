package run

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/docker/go-units"
)

var permissions = lazy(`^[rwm]{1,3}$`)

// parseDevice reads DEVICE[:TARGET][:rwm], or the CDI name of a device such as
// vendor.example/class=name.
func parseDevice(v string) (Device, error) {
	source, rest, _ := strings.Cut(v, ":")
	d := Device{Source: source}
	if !path.IsAbs(source) {
		if strings.Contains(v, "=") && strings.Contains(v, "/") {
			return Device{Source: v}, nil
		}
		return d, fmt.Errorf("%q is not an absolute path of a device", source)
	}
	target, perms, two := strings.Cut(rest, ":")
	if !two && !path.IsAbs(target) {
		target, perms = "", target
	}
	if target != "" && !path.IsAbs(target) {
		return d, fmt.Errorf("%q is not an absolute path", target)
	}
	if perms != "" && !permissions().MatchString(perms) {
		return d, fmt.Errorf("%q are not permissions: of r, w and m", perms)
	}
	d.Target, d.Permissions = target, perms
	return d, nil
}

// String writes the device as --device takes it.
func (d Device) String() string {
	v := d.Source
	if d.Target != "" {
		v += ":" + d.Target
	}
	if d.Permissions != "" {
		v += ":" + d.Permissions
	}
	return v
}

var cgroupRule = lazy(`^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$`)

func parseCgroupRule(v string) (string, error) {
	if !cgroupRule().MatchString(v) {
		return "", fmt.Errorf("%q is not a rule such as \"c 42:* rmw\"", v)
	}
	return v, nil
}

// splitDevice reads DEVICE:NUMBER.
func splitDevice(v string) (device, number string, err error) {
	i := strings.LastIndexByte(v, ':')
	if i < 0 || !path.IsAbs(v[:i]) {
		return "", "", fmt.Errorf("%q is not DEVICE:NUMBER", v)
	}
	return v[:i], v[i+1:], nil
}

func parseDeviceWeight(v string) (DeviceWeight, error) {
	device, number, err := splitDevice(v)
	if err != nil {
		return DeviceWeight{}, err
	}
	weight, err := parseWeight(number)
	return DeviceWeight{Path: device, Weight: weight}, err
}

func parseDeviceBytes(v string) (DeviceRate, error) {
	device, number, err := splitDevice(v)
	if err != nil {
		return DeviceRate{}, err
	}
	rate, err := units.RAMInBytes(number)
	if err != nil || rate < 0 {
		return DeviceRate{}, fmt.Errorf("%q is not a size", number)
	}
	return DeviceRate{Path: device, Rate: uint64(rate)}, nil
}

func parseDeviceOps(v string) (DeviceRate, error) {
	device, number, err := splitDevice(v)
	if err != nil {
		return DeviceRate{}, err
	}
	rate, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return DeviceRate{}, fmt.Errorf("%q is not a whole number", number)
	}
	return DeviceRate{Path: device, Rate: rate}, nil
}
