// Hashtags or mentions as chips: typed one after the other, or pasted all at once.

import Autocomplete from "@mui/material/Autocomplete";
import TextField from "@mui/material/TextField";
import { useState } from "react";

import { entriesOf, withEntries } from "./text";

export interface ChipsFieldProps {
  label: string;
  help?: string;
  /** "" for entries that may contain spaces: they are separated by commas alone. */
  sign: "#" | "@" | "";
  value: string[];
  onChange(value: string[]): void;
}

function split(input: string, sign: ChipsFieldProps["sign"]): string[] {
  const plain = () => input.split(/[,\n]+/).map((part) => part.trim()).filter(Boolean);
  return sign ? entriesOf(input, sign) : plain();
}

export function ChipsField({ label, help, sign, value, onChange }: ChipsFieldProps) {
  const [input, setInput] = useState("");
  const add = (text: string) => {
    onChange(withEntries(value, split(text, sign)));
    setInput("");
  };
  const ends = sign ? /[\s,;]/ : /[,\n]/;
  return (
    <Autocomplete
      multiple
      freeSolo
      options={[] as string[]}
      value={value}
      inputValue={input}
      onInputChange={(_, text, reason) => {
        if (reason === "input" && ends.test(text)) {
          add(text);
        } else if (reason !== "reset") {
          setInput(text);
        }
      }}
      onChange={(_, entries) => {
        onChange(withEntries([], entries.flatMap((entry) => (value.includes(entry) ? [entry] : split(entry, sign)))));
        setInput("");
      }}
      onBlur={() => input.trim() && add(input)}
      getOptionLabel={(entry) => sign + entry}
      slotProps={{ chip: { size: "small" } }}
      renderInput={(props) => <TextField {...props} label={label} helperText={help} size="small" />}
    />
  );
}
