package stix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/gowebpki/jcs"
)

// Marshal writes an object as canonical JSON (RFC 8785): the same object always gives the same bytes.
// It does not judge the object; [Validate] does.
func Marshal(o Object) ([]byte, error) {
	tree := encodeTree(o)
	if tree == nil {
		return nil, fmt.Errorf("stix: write %T: not an object of this package", o)
	}
	return canonical(tree, TypeOf(o), o.Head().ID)
}

func canonical(tree any, typ string, id ID) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("stix: write %s %s: %w", typ, id, err)
	}
	out, err := jcs.Transform(buf.Bytes())
	if err != nil {
		return nil, fmt.Errorf("stix: write %s %s: %w", typ, id, err)
	}
	return out, nil
}

// Unmarshal reads one object of STIX 2.1. A value of the wrong JSON type goes to Extra, where [Validate] finds it;
// the error is for what is no JSON object with a type, or exceeds the default [Limits].
func Unmarshal(raw []byte) (Object, error) {
	tree, err := parseObject(raw, Limits{}.filled())
	if err != nil {
		return nil, fmt.Errorf("stix: read an object: %w", err)
	}
	return decodeTree(tree)
}

func decodeTree(tree map[string]any) (Object, error) {
	typ, ok := tree["type"].(string)
	if !ok || typ == "" {
		return nil, fmt.Errorf("stix: read an object: it has no type")
	}
	var o Object = new(Custom)
	if s := schemaByType[typ]; s != nil {
		o = s.make()
	}
	v := reflect.ValueOf(o).Elem()
	decodeStruct(v, layouts[v.Type()], tree)
	return o, nil
}

// decodeStruct fills fields from the tree. What has no field, or does not fit its field, or would be taken for absent
// when written again (an empty string or list), is kept in Extra.
func decodeStruct(v reflect.Value, l *layout, tree map[string]any) {
	var extra map[string]any
	for name, value := range tree {
		if p := l.byName[name]; p != nil {
			f := v.FieldByIndex(p.index)
			if decoded, ok := decodeValue(f.Type(), value); ok && !decoded.IsZero() {
				f.Set(decoded)
				continue
			}
		}
		if extra == nil {
			extra = map[string]any{}
		}
		extra[name] = value
	}
	if extra != nil {
		v.FieldByIndex(l.extra).Set(reflect.ValueOf(extra))
	}
}

var (
	timestampType = reflect.TypeFor[Timestamp]()
	extensionType = reflect.TypeFor[Extension]()
)

func decodeValue(t reflect.Type, value any) (reflect.Value, bool) {
	none := reflect.Value{}
	if t == timestampType {
		s, ok := value.(string)
		if !ok {
			return none, false
		}
		ts, err := ParseTimestamp(s)
		return reflect.ValueOf(ts), err == nil
	}
	switch t.Kind() {
	case reflect.String:
		s, ok := value.(string)
		return reflect.ValueOf(s).Convert(t), ok
	case reflect.Bool:
		b, ok := value.(bool)
		return reflect.ValueOf(b), ok
	case reflect.Int64:
		n, ok := value.(json.Number)
		if !ok {
			return none, false
		}
		f, err := n.Float64()
		if err != nil || f != math.Trunc(f) || math.Abs(f) > maxSafeInteger {
			return none, false
		}
		return reflect.ValueOf(int64(f)), true
	case reflect.Float64:
		n, ok := value.(json.Number)
		if !ok {
			return none, false
		}
		f, err := n.Float64()
		return reflect.ValueOf(f), err == nil
	case reflect.Pointer:
		inner, ok := decodeValue(t.Elem(), value)
		if !ok {
			return none, false
		}
		p := reflect.New(t.Elem())
		p.Elem().Set(inner)
		return p, true
	case reflect.Struct:
		m, ok := value.(map[string]any)
		if !ok {
			return none, false
		}
		v := reflect.New(t).Elem()
		decodeStruct(v, layouts[t], m)
		return v, true
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok || len(list) == 0 {
			return none, false
		}
		v := reflect.MakeSlice(t, 0, len(list))
		for _, item := range list {
			e, ok := decodeValue(t.Elem(), item)
			if !ok {
				return none, false
			}
			v = reflect.Append(v, e)
		}
		return v, true
	case reflect.Map:
		m, ok := value.(map[string]any)
		if !ok || len(m) == 0 {
			return none, false
		}
		return decodeMap(t, m)
	}
	return none, false
}

func decodeMap(t reflect.Type, m map[string]any) (reflect.Value, bool) {
	if t.Elem().Kind() == reflect.Interface && t.Elem() != extensionType {
		return reflect.ValueOf(m), true
	}
	v := reflect.MakeMapWithSize(t, len(m))
	for key, item := range m {
		var e reflect.Value
		ok := false
		if t.Elem() == extensionType {
			e, ok = decodeExtension(key, item)
		} else {
			e, ok = decodeValue(t.Elem(), item)
		}
		if !ok {
			return reflect.Value{}, false
		}
		v.SetMapIndex(reflect.ValueOf(key), e)
	}
	return v, true
}

func decodeExtension(key string, item any) (reflect.Value, bool) {
	m, ok := item.(map[string]any)
	if !ok {
		return reflect.Value{}, false
	}
	kind := reflect.TypeFor[CustomExtension]()
	if e, ok := extensionTable[key]; ok {
		kind = e.kind
	}
	p := reflect.New(kind)
	decodeStruct(p.Elem(), layouts[kind], m)
	return p, true
}

// encodeTree is the object as a JSON tree; nil for a value that is no object of this package.
func encodeTree(o Object) map[string]any {
	l := layoutOf(o)
	if l == nil {
		return nil
	}
	tree := encodeStruct(reflect.ValueOf(o).Elem(), l)
	s := schemaOf(o)
	if s != nil {
		setDefault(tree, "type", s.typ)
	}
	if s == nil || s.family != familySCO {
		setDefault(tree, "spec_version", "2.1")
	}
	return tree
}

func setDefault(tree map[string]any, name string, value any) {
	if _, ok := tree[name]; !ok {
		tree[name] = value
	}
}

func encodeStruct(v reflect.Value, l *layout) map[string]any {
	tree := map[string]any{}
	for i := range l.props {
		if f := v.FieldByIndex(l.props[i].index); !f.IsZero() {
			tree[l.props[i].name] = encodeValue(f)
		}
	}
	for name, value := range v.FieldByIndex(l.extra).Interface().(map[string]any) {
		setDefault(tree, name, value)
	}
	return tree
}

func encodeValue(v reflect.Value) any {
	if v.Type() == timestampType {
		return v.Interface().(Timestamp).String()
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int64:
		return json.Number(strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		return v.Float()
	case reflect.Pointer:
		return encodeValue(v.Elem())
	case reflect.Struct:
		return encodeStruct(v, layouts[v.Type()])
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = encodeValue(v.Index(i))
		}
		return list
	case reflect.Map:
		if m, ok := v.Interface().(map[string]any); ok {
			return m
		}
		m := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			if e := it.Value(); e.Kind() == reflect.Interface {
				m[it.Key().String()] = encodeExtension(e)
			} else {
				m[it.Key().String()] = encodeValue(e)
			}
		}
		return m
	}
	return nil
}

// encodeExtension fills in extension_type where there is only one it can be.
func encodeExtension(e reflect.Value) map[string]any {
	if e.IsNil() || e.Elem().Kind() != reflect.Pointer || e.Elem().IsNil() {
		return map[string]any{}
	}
	v := e.Elem().Elem()
	m := encodeStruct(v, layouts[v.Type()])
	switch e.Interface().(type) {
	case *IncidentCore, *TLPMarking:
		setDefault(m, "extension_type", "property-extension")
	}
	return m
}

// Clone is a deep copy.
func Clone(o Object) Object {
	tree, ok := copyTree(encodeTree(o)).(map[string]any)
	if !ok || tree["type"] == nil {
		return nil
	}
	c, err := decodeTree(tree)
	if err != nil {
		return nil
	}
	return c
}

func copyTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = copyTree(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = copyTree(e)
		}
		return l
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return v
}
