package docker

import (
	"path"
	"slices"
	"strings"

	"github.com/docker/cli/opts"
	"github.com/moby/moby/api/types/blkiodev"
	"github.com/moby/moby/api/types/container"

	"github.com/projectatomic/atomic/labels/run"
)

// devices sorts the devices: what is no path is a name of the Container Device
// Interface.
func (b *builder) devices(spec run.Spec) {
	h := b.host
	var names []string
	for _, d := range spec.Devices {
		if !path.IsAbs(d.Source) {
			names = append(names, d.Source)
			continue
		}
		m := container.DeviceMapping{PathOnHost: d.Source, PathInContainer: d.Target, CgroupPermissions: d.Permissions}
		if m.PathInContainer == "" {
			m.PathInContainer = d.Source
		}
		if m.CgroupPermissions == "" {
			m.CgroupPermissions = "rwm"
		}
		h.Devices = append(h.Devices, m)
	}
	var gpus opts.GpuOpts
	for i, g := range spec.GPUs {
		if err := gpus.Set(g); err != nil {
			b.bad(indexed("GPUs", i, ""), "%v", err)
		}
	}
	h.DeviceRequests = gpus.Value()
	if len(names) > 0 {
		h.DeviceRequests = append(h.DeviceRequests, container.DeviceRequest{Driver: "cdi", DeviceIDs: names})
	}
	h.DeviceCgroupRules = spec.DeviceCgroupRules
}

func (b *builder) block(spec run.Spec) {
	h := b.host
	h.BlkioWeight = spec.BlkioWeight
	for _, d := range spec.BlkioDevices {
		h.BlkioWeightDevice = append(h.BlkioWeightDevice, &blkiodev.WeightDevice{Path: d.Path, Weight: d.Weight})
	}
	h.BlkioDeviceReadBps = rates(spec.ReadBps)
	h.BlkioDeviceWriteBps = rates(spec.WriteBps)
	h.BlkioDeviceReadIOps = rates(spec.ReadIOps)
	h.BlkioDeviceWriteIOps = rates(spec.WriteIOps)
}

func rates(from []run.DeviceRate) []*blkiodev.ThrottleDevice {
	var out []*blkiodev.ThrottleDevice
	for _, d := range from {
		out = append(out, &blkiodev.ThrottleDevice{Path: d.Path, Rate: d.Rate})
	}
	return out
}

func (b *builder) limits(spec run.Spec) {
	h := b.host
	h.Memory = spec.Memory
	h.MemoryReservation = spec.MemoryReservation
	h.MemorySwap = spec.MemorySwap
	h.MemorySwappiness = spec.MemorySwappiness
	if spec.KernelMemory != 0 {
		b.lack(run.Warning, "KernelMemory", "Docker and Linux no longer limit the memory of the kernel apart")
	}
	h.ShmSize = spec.ShmSize
	h.NanoCPUs = spec.NanoCPUs
	h.CPUShares = spec.CPUShares
	h.CPUPeriod = spec.CPUPeriod
	h.CPUQuota = spec.CPUQuota
	h.CPURealtimePeriod = spec.CPURTPeriod
	h.CPURealtimeRuntime = spec.CPURTRuntime
	h.CpusetCpus = spec.CPUSetCPUs
	h.CpusetMems = spec.CPUSetMems
	h.PidsLimit = spec.PidsLimit
	h.OomKillDisable = &spec.OOMKillDisable
	if spec.OOMScoreAdj != nil {
		h.OomScoreAdj = *spec.OOMScoreAdj
	}
	h.Ulimits = ulimits(b, spec.Ulimits)
}

// ulimits are in the order of their names; the last of a name counts.
func ulimits(b *builder, from []run.Ulimit) []*container.Ulimit {
	var out []*container.Ulimit
	for i, u := range from {
		if u.Name == "host" { // podman's way to ask for those of the host
			b.lack(run.Warning, indexed("Ulimits", i, "Name"), "Docker cannot take over the limits of the host")
			continue
		}
		out = slices.DeleteFunc(out, func(o *container.Ulimit) bool { return o.Name == u.Name })
		out = append(out, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	slices.SortFunc(out, func(x, y *container.Ulimit) int { return strings.Compare(x.Name, y.Name) })
	return out
}
