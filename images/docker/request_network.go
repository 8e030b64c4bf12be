package docker

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"github.com/projectatomic/atomic/labels/run"
)

// network follows docker: the flags of the container as a whole are for its
// first network, and the endpoint of a single network about which nothing is
// said is left to the engine.
func (b *builder) network(spec run.Spec) {
	b.host.Links = spec.Links
	networks := spec.Networks
	if len(networks) == 0 {
		networks = []run.Network{{Name: network.NetworkDefault}}
	}
	for i, n := range networks {
		name := b.networkName(i, n.Name)
		if i == 0 {
			b.host.NetworkMode = container.NetworkMode(name)
		}
		end := &network.EndpointSettings{}
		for j, o := range n.Options {
			b.endpointOption(end, indexed("Networks", i, fmt.Sprintf("Options[%d]", j)), o)
		}
		if i == 0 {
			b.firstEndpoint(end, container.NetworkMode(name), spec)
		}
		if _, ok := b.ends[name]; ok {
			b.bad(indexed("Networks", i, "Name"), "network %q is named twice", name)
		}
		if len(networks) > 1 || !reflect.ValueOf(*end).IsZero() {
			b.ends[name] = end
		}
	}
}

// networkName translates what podman calls a network.
func (b *builder) networkName(i int, name string) string {
	kind, _, _ := strings.Cut(name, ":")
	switch kind {
	case "private": // the usual one, whatever it is
		return network.NetworkDefault
	case "slirp4netns", "pasta", "ns", "pod":
		b.lack(run.Error, indexed("Networks", i, "Name"), "Docker has no network %q", name)
	}
	return name
}

// endpointOption takes one NAME=VALUE of a network.
func (b *builder) endpointOption(end *network.EndpointSettings, field string, o run.Pair) {
	switch o.Name {
	case "alias":
		end.Aliases = append(end.Aliases, o.Value)
	case "ip":
		ipam(end).IPv4Address = b.ip(field, o.Value)
	case "ip6":
		ipam(end).IPv6Address = b.ip(field, o.Value)
	case "link-local-ip":
		ipam(end).LinkLocalIPs = append(ipam(end).LinkLocalIPs, b.ip(field, o.Value))
	case "mac-address", "mac":
		end.MacAddress = b.mac(field, o.Value)
	case "driver-opt":
		end.DriverOpts = withPair(end.DriverOpts, o.Value)
	case "gw-priority":
		n, err := strconv.Atoi(o.Value)
		if err != nil {
			b.bad(field, "%q is not a whole number", o.Value)
		}
		end.GwPriority = n
	default:
		b.lack(run.Error, field, "Docker has no option %q for a network", o.Name)
	}
}

func ipam(end *network.EndpointSettings) *network.EndpointIPAMConfig {
	if end.IPAMConfig == nil {
		end.IPAMConfig = &network.EndpointIPAMConfig{}
	}
	return end.IPAMConfig
}

func (b *builder) ip(field, text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		b.bad(field, "%q is not an IP address", text)
	}
	return a
}

func (b *builder) mac(field, text string) network.HardwareAddr {
	a, err := net.ParseMAC(text)
	if err != nil {
		b.bad(field, "%q is not a MAC address", text)
	}
	return network.HardwareAddr(a)
}

// firstEndpoint takes the flags of the container as a whole. A flag and an
// option of the network that say the same thing exclude each other.
func (b *builder) firstEndpoint(end *network.EndpointSettings, mode container.NetworkMode, spec run.Spec) {
	twice := func(field string, both bool) {
		if both {
			b.findings = append(b.findings, run.Finding{
				Code: run.Conflict, Level: run.Error, Field: field, Message: "the options of the network say it, too",
			})
		}
	}
	twice("NetworkAliases", len(spec.NetworkAliases) > 0 && len(end.Aliases) > 0)
	twice("MAC", spec.MAC != "" && end.MacAddress != nil)
	if c := end.IPAMConfig; c != nil {
		twice("IP", spec.IP != "" && c.IPv4Address.IsValid())
		twice("IP6", spec.IP6 != "" && c.IPv6Address.IsValid())
		twice("LinkLocalIPs", len(spec.LinkLocalIPs) > 0 && len(c.LinkLocalIPs) > 0)
	}
	end.Aliases = append(end.Aliases, spec.NetworkAliases...)
	// In the network that Docker makes by itself a link is the container's.
	if mode.IsUserDefined() {
		end.Links = spec.Links
	} else if len(spec.NetworkAliases) > 0 {
		b.lack(run.Warning, "NetworkAliases", "Docker has aliases in networks of the user's only, not in %q", mode)
		end.Aliases = nil
	}
	if spec.IP != "" {
		ipam(end).IPv4Address = b.ip("IP", spec.IP)
	}
	if spec.IP6 != "" {
		ipam(end).IPv6Address = b.ip("IP6", spec.IP6)
	}
	for i, a := range spec.LinkLocalIPs {
		ipam(end).LinkLocalIPs = append(ipam(end).LinkLocalIPs, b.ip(indexed("LinkLocalIPs", i, ""), a))
	}
	if spec.MAC != "" {
		end.MacAddress = b.mac("MAC", spec.MAC)
	}
}

func (b *builder) ports(spec run.Spec) {
	b.host.PublishAllPorts = spec.PublishAll
	for i, p := range spec.Ports {
		b.publish(indexed("Ports", i, ""), p)
	}
	for i, r := range spec.Expose {
		b.each(indexed("Expose", i, ""), r, func(int, network.Port) {})
	}
}

// each exposes the ports of a range and calls f with each and its place in it.
func (b *builder) each(field string, r run.PortRange, f func(i int, p network.Port)) {
	protocol := network.IPProtocol(r.Protocol)
	if protocol == "" {
		protocol = network.TCP
	}
	if !slices.Contains([]network.IPProtocol{network.TCP, network.UDP, network.SCTP}, protocol) {
		b.bad(field, "%q is not a protocol", r.Protocol)
		return
	}
	ports, ok := network.PortRangeFrom(r.From, r.To, protocol)
	if !ok || r.From == 0 {
		b.bad(field, "%d-%d is not a range of ports", r.From, r.To)
		return
	}
	if b.config.ExposedPorts == nil {
		b.config.ExposedPorts = make(network.PortSet)
	}
	i := 0
	for p := range ports.All() {
		b.config.ExposedPorts[p] = struct{}{}
		f(i, p)
		i++
	}
}

// publish binds ports of the host: none said, the engine picks; as many as
// there are of the container, one to one; more for a single one, the engine
// picks among them.
func (b *builder) publish(field string, p run.Port) {
	var ip netip.Addr
	if p.HostIP != "" {
		ip = b.ip(field, p.HostIP)
	}
	host, inside := p.Host, p.Container
	hosts, insides := int(host.To)-int(host.From), int(inside.To)-int(inside.From)
	if host.From != 0 && (hosts < 0 || hosts != insides && insides != 0) {
		b.bad(field, "%d ports of the host for %d of the container", hosts+1, insides+1)
		return
	}
	if host.Protocol != "" && host.Protocol != inside.Protocol {
		b.bad(field, "%s on the host for %s of the container", host.Protocol, inside.Protocol)
		return
	}
	b.each(field, inside, func(i int, port network.Port) {
		bound := network.PortBinding{HostIP: ip}
		switch {
		case host.From == 0:
		case hosts > insides:
			bound.HostPort = fmt.Sprintf("%d-%d", host.From, host.To)
		default:
			bound.HostPort = strconv.Itoa(int(host.From) + i)
		}
		if b.host.PortBindings == nil {
			b.host.PortBindings = make(network.PortMap)
		}
		b.host.PortBindings[port] = append(b.host.PortBindings[port], bound)
	})
}

func (b *builder) resolver(spec run.Spec) {
	b.config.Hostname, b.config.Domainname = spec.Hostname, spec.Domainname
	h := b.host
	for _, p := range spec.Hosts {
		for name := range strings.SplitSeq(p.Name, ";") { // podman's list of names
			h.ExtraHosts = append(h.ExtraHosts, name+":"+p.Value)
		}
	}
	h.DNS = make([]netip.Addr, 0, len(spec.DNS)) // docker has it never null
	for i, d := range spec.DNS {
		field := indexed("DNS", i, "")
		if d == "none" {
			b.lack(run.Error, field, "Docker always writes a resolv.conf")
			continue
		}
		if a := b.ip(field, d); a.IsValid() {
			h.DNS = append(h.DNS, a)
		}
	}
	h.DNSOptions = append(h.DNSOptions, spec.DNSOptions...)
	h.DNSSearch = append(h.DNSSearch, spec.DNSSearch...)
}
