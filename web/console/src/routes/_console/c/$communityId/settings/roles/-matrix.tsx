import { ColorSwatch, Group, Table, Text, VisuallyHidden } from "@mantine/core";
import { Check, Minus } from "lucide-react";
import { Fragment } from "react";
import { Section } from "~/components/section";
import { administers, type Role } from "../../-catalogue";
import classes from "./-matrix.module.css";
import { allows, permissionGroups } from "./-permission-groups";
import { texts } from "./-roles.texts";

/** All roles beside one another, the highest first. */
export function Matrix({ roles }: { roles: Role[] }) {
  return (
    <Section title={texts.matrix} lead={texts.matrixLead} flush>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways */}
      <section className={classes.scroll} aria-label={texts.matrix} tabIndex={0}>
        <Table className={classes.table} highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col" className={classes.name}>
                {texts.permissions}
              </Table.Th>
              {roles.map((role) => (
                <Table.Th key={role._id} scope="col" className={classes.role}>
                  <Group gap={6} wrap="nowrap" justify="center">
                    {role.class && <ColorSwatch color={role.class} size={10} withShadow={false} />}
                    {role.title}
                  </Group>
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {permissionGroups.map(({ group, set, names }) => (
              <Fragment key={group}>
                <Table.Tr>
                  <Table.Th scope="rowgroup" colSpan={roles.length + 1} className={classes.group}>
                    <Text span size="xs" fw={600}>
                      {texts.groups[group]}
                    </Text>
                  </Table.Th>
                </Table.Tr>
                {names.map((name) => (
                  <Table.Tr key={name}>
                    <Table.Th scope="row" className={classes.name}>
                      {texts.permission[name]?.[0] ?? name}
                    </Table.Th>
                    {roles.map((role) => {
                      const said = allows(role, set, name);
                      const included = !said && administers(role);
                      return (
                        <Table.Td key={role._id} className={classes.role}>
                          {said || included ? (
                            <Check
                              size={16}
                              aria-hidden
                              color={said ? "var(--mantine-color-teal-text)" : "var(--text-quiet)"}
                            />
                          ) : (
                            <Minus size={14} aria-hidden color="var(--border-strong)" />
                          )}
                          <VisuallyHidden>{said ? texts.allowed : included ? texts.always : texts.not}</VisuallyHidden>
                        </Table.Td>
                      );
                    })}
                  </Table.Tr>
                ))}
              </Fragment>
            ))}
          </Table.Tbody>
        </Table>
      </section>
    </Section>
  );
}
