package firmwareconfig

import (
	"reflect"

	"lanewarden/drivers/transport"
)

// Endpoint is a place in the settings of a device at which it and the agent meet.
type Endpoint struct {
	Field  string // of the settings: "address", "http.listen"
	Kind   EndpointKind
	Where  string            // HOST:PORT, path of a folder, device file, URL of a broker
	Serial *transport.Serial // of a serial line
}

// EndpointKind says who comes to whom.
type EndpointKind string

// The kinds of endpoint.
const (
	Dials   EndpointKind = "dials"   // the agent connects to HOST:PORT
	Listens EndpointKind = "listens" // the device connects to the agent's HOST:PORT
	Line    EndpointKind = "serial"
	Drop    EndpointKind = "folder"
	Broker  EndpointKind = "broker"
)

// Endpoints lists where a device and the agent meet, as the types and tags of its settings tell. A setting of format
// hostport named "listen" is an address of the agent, any other one of the device.
func (d Device) Endpoints() (out []Endpoint) {
	eachField(reflect.ValueOf(d.Settings), "", func(path string, f field, v reflect.Value) bool {
		switch s := v.Interface().(type) {
		case transport.Serial:
			out = append(out, Endpoint{Field: path, Kind: Line, Where: s.Port, Serial: &s})
			return false
		case transport.Folder:
			out = append(out, Endpoint{Field: path, Kind: Drop, Where: s.Path})
			return false
		case string:
			if kind := endpointKind(f.name, f.format); kind != "" && s != "" {
				out = append(out, Endpoint{Field: path, Kind: kind, Where: s})
			}
		}
		return f.builtin == "" && v.Kind() == reflect.Struct // documents name no places
	})
	return out
}

func endpointKind(name, format string) EndpointKind {
	switch {
	case format == "hostport" && name == "listen":
		return Listens
	case format == "hostport":
		return Dials
	case format == "broker":
		return Broker
	}
	return ""
}
