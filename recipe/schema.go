package recipe

// schema is a part of a JSON Schema (draft 2020-12).
type schema = map[string]any

// Schema describes recipe files as a JSON Schema, with which an editor
// completes and checks them. [Parse] looks further: at references and types of
// what variables hold.
func Schema() map[string]any {
	var steps []any
	for _, name := range Kinds() {
		kind := kinds()[name]
		properties, required := schema{}, []any{}
		for _, p := range kind.Params() {
			properties[p.Name] = p.schema()
			if p.Required {
				required = append(required, p.Name)
			}
		}
		with := schema{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
		then := schema{"properties": schema{"with": with}}
		if len(required) > 0 {
			then["required"] = []any{"with"}
		}
		steps = append(steps, schema{
			"if":   schema{"properties": schema{"uses": schema{"const": name}}, "required": []any{"uses"}},
			"then": then,
		})
	}
	root := object(recipeKeys(), "apiVersion", "name", "steps")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "A recipe of ftd"
	step := object(stepKeys(), "id", "uses")
	step["allOf"] = steps
	root["$defs"] = schema{"step": step}
	return root
}

// recipeKeys are the keys of a recipe.
func recipeKeys() map[string]schema {
	return map[string]schema{
		"apiVersion":  {"const": APIVersion},
		"name":        text("names the recipe", recipeName().String()),
		"description": text("what the recipe is for", ""),
		"vars": {
			"description": "variables with their defaults; one without must be given with --set",
			"type":        []any{"object", "null"}, "propertyNames": schema{"pattern": variableName().String()},
			"additionalProperties": schema{"type": []any{"string", "number", "boolean", "null"}},
		},
		"env":   environmentSchema("added to the environment of every step"),
		"steps": {"type": "array", "minItems": 1, "items": schema{"$ref": "#/$defs/step"}},
	}
}

// stepKeys are the keys of a step.
func stepKeys() map[string]schema {
	return map[string]schema{
		"id":          text("names the step: ${steps.ID.outputs.NAME}", stepID().String()),
		"uses":        {"description": "the kind of step", "enum": anys(Kinds())},
		"with":        {"description": "the parameters of the kind", "type": []any{"object", "null"}},
		"needs":       {"description": "ids of steps that must have succeeded; by default the one before", "type": "array", "items": schema{"type": "string"}},
		"env":         environmentSchema("added to the environment of the step"),
		"when":        condition("the step is done only if this is not empty, false, no, off or 0; left out, its outputs are empty"),
		"unless":      condition("the step is left out if this is not empty, false, no, off or 0"),
		"environment": text("prefix of another Python environment in which the step runs; empty is the daemon's", ""),
		"keep":        {"description": "false: its files are removed as soon as all steps that need them have succeeded", "type": []any{"boolean", "string"}},
		"isolation":   {"description": "worker: in a process of its own; by default in the daemon's interpreter", "enum": []any{"", IsolationWorker}},
	}
}

func object(keys map[string]schema, required ...any) schema {
	return schema{"type": "object", "additionalProperties": false, "properties": keys, "required": required}
}

func text(doc, pattern string) schema {
	s := schema{"description": doc, "type": "string"}
	if pattern != "" {
		s["pattern"] = pattern
	}
	return s
}

func condition(doc string) schema {
	return schema{"description": doc, "type": []any{"string", "number", "boolean"}}
}

func environmentSchema(doc string) schema {
	return schema{
		"description": doc, "type": []any{"object", "null"}, "propertyNames": schema{"pattern": variableName().String()},
		"additionalProperties": schema{"type": []any{"string", "number", "boolean"}},
	}
}

// schema describes a parameter. Where a number or a choice is meant, a text
// with a reference is right too.
func (p Param) schema() schema {
	s := schema{"description": p.Doc}
	if p.Default != nil {
		s["default"] = p.Default
	}
	reference := schema{"type": "string", "pattern": `\$\{`}
	switch p.Type {
	case Integer:
		number := schema{"type": "integer"}
		if p.Least != nil {
			number["minimum"] = *p.Least
		}
		s["anyOf"] = []any{number, reference}
	case Number:
		s["anyOf"] = []any{schema{"type": "number"}, reference}
	case Bool:
		s["anyOf"] = []any{schema{"type": "boolean"}, reference}
	case Texts, Locations:
		s["type"], s["items"] = "array", schema{"type": []any{"string", "number", "boolean"}}
	case Values:
		s["type"] = "object"
	default:
		switch {
		case len(p.OneOf) > 0:
			s["anyOf"] = []any{schema{"enum": anys(p.OneOf)}, reference}
		case p.Pattern != nil:
			s["anyOf"] = []any{schema{"const": ""}, schema{"type": "string", "pattern": p.Pattern().String()}, reference}
		default:
			s["type"] = []any{"string", "number", "boolean"}
		}
	}
	return s
}

func anys(words []string) []any {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return list
}
