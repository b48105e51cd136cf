package wire

//go:generate sh -c "cd ../.. && PATH=$(go tool -n protoc-gen-go | xargs dirname):$PATH protoc --go_out=. --go_opt=module=lanewarden sync/wire/wire.proto"
