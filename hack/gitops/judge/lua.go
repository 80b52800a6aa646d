// Runs a script on an object as Argo CD does (util/lua/lua.go in argoproj/argo-cd): Lua 5.1 with package, base and table, of os
// only time and date, and one second.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

const timeLimit = time.Second

// Without string, math, io and coroutine: a script in argocd-cm that uses one fails there, so it must fail here.
var libraries = []struct {
	name string
	open lua.LGFunction
}{
	{lua.LoadLibName, lua.OpenPackage},
	{lua.BaseLibName, lua.OpenBase},
	{lua.TabLibName, lua.OpenTable},
	{lua.OsLibName, openSafeOs},
}

// openSafeOs leaves of the os library what Argo CD leaves of it; it is also what require("os") gives.
func openSafeOs(state *lua.LState) int {
	lua.OpenOs(state)
	module := state.CheckTable(-1)
	var unsafe []lua.LValue
	module.ForEach(func(name, _ lua.LValue) {
		if name.String() != "time" && name.String() != "date" {
			unsafe = append(unsafe, name)
		}
	})
	for _, name := range unsafe {
		module.RawSet(name, lua.LNil)
	}
	return 1
}

func runLua(script string, object map[string]any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range libraries {
		call := lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	limit, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	state.SetContext(limit)
	state.SetGlobal("actionParams", state.NewTable())
	state.SetGlobal("obj", luaValue(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	return tableResult(state.Get(-1))
}

// tableResult is what a script must return; an empty table is an empty list, as in Argo CD.
func tableResult(value lua.LValue) (any, error) {
	if value.Type() != lua.LTTable {
		return nil, fmt.Errorf("the script returned a %s and no table", value.Type())
	}
	encoded, err := luajson.Encode(value)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(encoded), nil
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case bool:
		return lua.LBool(typed)
	case float64:
		return lua.LNumber(typed)
	case string:
		return lua.LString(typed)
	case []any:
		table := state.CreateTable(len(typed), 0)
		for _, item := range typed {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(typed))
		for key, item := range typed {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	}
	return lua.LNil
}
