package podman

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// network makes the network namespace and what is connected to it.
func (w *renderer) network() {
	s, out := &w.spec, &w.out
	for i, n := range s.Networks {
		w.connect(fmt.Sprintf("Networks[%d]", i), i == 0, n)
	}
	w.addresses()
	w.ports()
	w.names()
	out.Hostname = s.Hostname
	if len(s.LinkLocalIPs) > 0 {
		w.refuse("LinkLocalIPs", "Podman gives no link-local addresses")
	}
	if len(s.Links) > 0 {
		w.refuse("Links", "Podman has no links; containers on one network find each other by name")
	}
}

// modes are the networks that are no networks.
var modes = []string{"host", "none", "container", "ns", "slirp4netns", "pasta", "private", "default", "pod"}

// connect adds one --network. Only networks proper can be several.
func (w *renderer) connect(field string, first bool, n run.Network) {
	mode, value, _ := strings.Cut(n.Name, ":")
	if !slices.Contains(modes, mode) {
		w.join(field, n)
		return
	}
	if !first {
		w.find(run.Conflict, run.Error, field, "%s cannot be one of several networks", n.Name)
		return
	}
	switch mode {
	case "slirp4netns", "pasta":
		w.userMode(mode, value, n.Options)
		return
	case "container":
		w.out.NetNS = Namespace{Mode: "container", Value: value}
	case "ns":
		w.out.NetNS = Namespace{Mode: "path", Value: value}
	case "default":
		w.out.NetNS = Namespace{Mode: "private"}
	default:
		w.out.NetNS = Namespace{Mode: mode}
	}
	if (mode == "container" || mode == "ns") && value == "" {
		w.bad(field+".Name", "%s: of which?", n.Name)
	}
	if len(n.Options) > 0 {
		w.bad(field+".Options", "the network mode %s takes no options", mode)
	}
}

// userMode is a network that a process of the user makes.
func (w *renderer) userMode(mode, value string, options []run.Pair) {
	w.out.NetNS = Namespace{Mode: mode}
	var words []string
	if value != "" {
		words = strings.Split(value, ",")
	}
	for _, p := range options {
		if p.Value == "" {
			words = append(words, p.Name)
			continue
		}
		words = append(words, p.Name+"="+p.Value)
	}
	if words != nil {
		set(&w.out.NetworkOptions, mode, words)
	}
}

// join connects to a network proper. The bridge of both engines is Podman's
// default network.
func (w *renderer) join(field string, n run.Network) {
	if w.out.NetNS.Mode != "" && w.out.NetNS.Mode != "bridge" {
		w.find(run.Conflict, run.Error, field, "%s cannot be joined in the network mode %s", n.Name, w.out.NetNS.Mode)
		return
	}
	w.out.NetNS = Namespace{Mode: "bridge"}
	name := n.Name
	if name == "bridge" {
		name = "default"
	}
	var o NetworkOptions
	for _, p := range n.Options {
		switch p.Name {
		case "ip", "ip6":
			o.StaticIPs = append(o.StaticIPs, p.Value)
		case "mac", "mac-address":
			o.StaticMAC = p.Value
		case "alias":
			o.Aliases = append(o.Aliases, p.Value)
		case "interface_name":
			o.InterfaceName = p.Value
		default:
			w.refuse(field+".Options", "a network option %q", p.Name)
		}
	}
	set(&w.out.Networks, name, o)
}

// addresses gives the addresses that were not said of a certain network.
func (w *renderer) addresses() {
	s, out := &w.spec, &w.out
	if s.IP == "" && s.IP6 == "" && s.MAC == "" && len(s.NetworkAliases) == 0 {
		return
	}
	field := firstField(map[string]bool{"IP": s.IP != "", "IP6": s.IP6 != "", "MAC": s.MAC != "", "NetworkAliases": len(s.NetworkAliases) > 0})
	if out.NetNS.Mode != "" && out.NetNS.Mode != "bridge" {
		w.find(run.Conflict, run.Error, field, "it needs a network, and the network mode is %s", out.NetNS.Mode)
		return
	}
	if len(out.Networks) == 0 {
		set(&out.Networks, "default", NetworkOptions{})
	}
	if len(out.Networks) > 1 && field != "NetworkAliases" {
		w.find(run.Conflict, run.Error, field, "of several networks each needs addresses of its own")
		return
	}
	for name, o := range out.Networks {
		for _, ip := range []string{s.IP, s.IP6} {
			if ip != "" {
				o.StaticIPs = append(o.StaticIPs, ip)
			}
		}
		o.StaticMAC = orElse(s.MAC, o.StaticMAC)
		if len(s.NetworkAliases) > 0 {
			o.Aliases = s.NetworkAliases
		}
		out.Networks[name] = o
	}
}

// firstField is the first field that is set, in the order of the alphabet.
func firstField(is map[string]bool) string {
	var first string
	for field, set := range is {
		if set && (first == "" || field < first) {
			first = field
		}
	}
	return first
}

func (w *renderer) ports() {
	for i, p := range w.spec.Ports {
		size := p.Container.Len()
		if n := p.Host.Len(); n != 0 && n != size {
			w.refuse(fmt.Sprintf("Ports[%d].Host", i), "Podman does not pick one of %d ports of the host for %d of the container", n, size)
			continue
		}
		ip := p.HostIP
		if ip == "0.0.0.0" {
			ip = ""
		}
		w.out.PortMappings = append(w.out.PortMappings, PortMapping{
			HostIP: ip, ContainerPort: p.Container.From, HostPort: p.Host.From,
			Range: uint16(size), Protocol: p.Container.Protocol,
		})
	}
	w.out.PublishAll = w.spec.PublishAll
	for _, r := range w.spec.Expose {
		for port := uint32(r.From); port <= uint32(max(r.From, r.To)); port++ {
			protocols := orElse(r.Protocol, "tcp")
			if before := w.out.Expose[uint16(port)]; before != "" {
				protocols = before + "," + protocols
			}
			set(&w.out.Expose, uint16(port), protocols)
		}
	}
}

// names is how the container finds others by name.
func (w *renderer) names() {
	s, out := &w.spec, &w.out
	for _, h := range s.Hosts {
		out.HostAdd = append(out.HostAdd, h.Name+":"+h.Value)
	}
	for i, server := range s.DNS {
		switch {
		case server == "none" && len(s.DNS) == 1:
			out.ImageResolvConf = true
		case net.ParseIP(server) == nil:
			w.bad(fmt.Sprintf("DNS[%d]", i), "%q is not an address", server)
		default:
			out.DNSServers = append(out.DNSServers, server)
		}
	}
	out.DNSOptions, out.DNSSearch = s.DNSOptions, s.DNSSearch
	mode := out.NetNS.Mode
	if mode == "none" || mode == "container" {
		field := firstField(map[string]bool{"DNS": len(s.DNS) > 0, "DNSOptions": len(s.DNSOptions) > 0, "DNSSearch": len(s.DNSSearch) > 0})
		if field != "" {
			w.find(run.Conflict, run.Error, field, "it has no meaning in the network mode %s", mode)
		}
	}
}
