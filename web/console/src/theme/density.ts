import { useLocalStorage } from "@mantine/hooks";
import { useEffect } from "react";

export type Density = "comfortable" | "compact";

/** How close the rows of tables stand; kept in this browser. Style sheets read it from the root element. */
export function useDensity() {
  const [density, setDensity] = useLocalStorage<Density>({
    key: "fealty-density",
    defaultValue: "comfortable",
    getInitialValueInEffect: false,
  });
  useEffect(() => {
    document.documentElement.dataset.density = density;
  }, [density]);
  return [density, setDensity] as const;
}
